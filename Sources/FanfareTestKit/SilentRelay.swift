import NIOCore
import NIOPosix
import Synchronization

/// A TCP relay that can fall silent: its connections stay open and carry nothing any more. New ones work.
public final class SilentRelay: Sendable {
    private let listener: any Channel
    private let muted = Mutex<[any Channel]>([])

    /// Where it listens.
    public var port: Int { listener.localAddress?.port ?? 0 }

    /// Relays to a port on loopback.
    public static func start(to port: Int) async throws -> SilentRelay {
        let open = OpenChannels()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { inbound in
                ClientBootstrap(group: inbound.eventLoop).connect(host: "127.0.0.1", port: port).flatMapThrowing {
                    outbound in
                    try inbound.pipeline.syncOperations.addHandler(Pump(to: outbound))
                    try outbound.pipeline.syncOperations.addHandler(Pump(to: inbound))
                    open.add([inbound, outbound])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SilentRelay(listener: listener, open: open)
    }

    private let open: OpenChannels

    private init(listener: any Channel, open: OpenChannels) {
        self.listener = listener
        self.open = open
    }

    /// All connections of now carry nothing any more.
    public func mute() {
        for channel in open.take() {
            channel.eventLoop.execute {
                (try? channel.pipeline.syncOperations.handler(type: Pump.self))?.isMuted = true
            }
            muted.withLock { $0.append(channel) }
        }
    }

    /// Connections that one side has ended since they carry nothing.
    public var endedWhileMute: Int { muted.withLock { $0.count { !$0.isActive } } }

    public func stop() async {
        try? await listener.close()
        for channel in open.take() + muted.withLock(\.self) { try? await channel.close() }
    }
}

private final class OpenChannels: Sendable {
    private let channels = Mutex<[any Channel]>([])

    func add(_ more: [any Channel]) { channels.withLock { $0 += more } }

    func take() -> [any Channel] {
        channels.withLock { channels in
            defer { channels = [] }
            return channels
        }
    }
}

private final class Pump: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let peer: any Channel
    var isMuted = false

    init(to peer: any Channel) { self.peer = peer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isMuted { peer.writeAndFlush(unwrapInboundIn(data), promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isMuted { peer.close(promise: nil) }
    }
}
