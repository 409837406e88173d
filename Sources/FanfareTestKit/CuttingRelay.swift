import NIOCore
import NIOPosix
import Synchronization

/// A TCP relay that breaks within answers, as a proxy does that restarts: after so many bytes of a connection's answer both of its
/// sides end with it.
public final class CuttingRelay: Sendable {
    private let listener: any Channel
    private let budget: Budget

    /// Where it listens.
    public var port: Int { listener.localAddress?.port ?? 0 }

    /// Relays to a port on loopback.
    public static func start(to port: Int) async throws -> CuttingRelay {
        let budget = Budget()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { inbound in
                ClientBootstrap(group: inbound.eventLoop).connect(host: "127.0.0.1", port: port).flatMapThrowing {
                    outbound in
                    try inbound.pipeline.syncOperations.addHandler(Pipe(to: outbound, left: nil))
                    try outbound.pipeline.syncOperations.addHandler(Pipe(to: inbound, left: budget.bytes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return CuttingRelay(listener: listener, budget: budget)
    }

    private init(listener: any Channel, budget: Budget) {
        self.listener = listener
        self.budget = budget
    }

    /// Connections from now on end after so many bytes to the client; `nil`: not of themselves.
    public func cut(after bytes: Int?) { budget.bytes = bytes }

    public func stop() async { try? await listener.close() }

    private final class Budget: Sendable {
        private let state = Mutex<Int?>(nil)
        var bytes: Int? {
            get { state.withLock(\.self) }
            set { state.withLock { $0 = newValue } }
        }
    }

    private final class Pipe: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let peer: any Channel
        /// Bytes that pass; `nil`: all.
        private var left: Int?

        init(to peer: any Channel, left: Int?) {
            self.peer = peer
            self.left = left
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            guard let left else { return peer.writeAndFlush(bytes, promise: nil) }
            let part = bytes.readSlice(length: min(left, bytes.readableBytes)) ?? ByteBuffer()
            self.left = left - part.readableBytes
            let isOver = bytes.readableBytes > 0
            // The client has all that passes before its end.
            let (own, peer) = (context.channel, peer)
            peer.writeAndFlush(part).whenComplete { _ in
                guard isOver else { return }
                peer.close(promise: nil)
                own.close(promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { peer.close(promise: nil) }
    }
}

/// Runs `body` with a relay to a port, which ends with it.
public func withCuttingRelay<Value>(to port: Int, _ body: (CuttingRelay) async throws -> Value) async throws -> Value {
    let relay = try await CuttingRelay.start(to: port)
    do {
        let value = try await body(relay)
        await relay.stop()
        return value
    } catch {
        await relay.stop()
        throw error
    }
}
