import NIOCore
import NIOPosix
import Synchronization

/// A provider's key set over HTTP, with an answer that a test chooses and counts.
public final class KeySetServer: Sendable {
    private struct State {
        var answer = ""
        var requests = 0
    }

    private let state = Mutex(State())
    private let channel = Mutex<(any Channel)?>(nil)

    /// Where it is.
    public var url: String {
        "http://127.0.0.1:\(channel.withLock { $0?.localAddress?.port } ?? 0)/keys?secret=hunter2"
    }
    /// How often it was asked.
    public var requests: Int { state.withLock(\.requests) }

    /// Runs `body` with a server that ends with it.
    public static func run<Value>(_ body: (KeySetServer) async throws -> Value) async throws -> Value {
        let server = KeySetServer()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answerer(server: server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.channel.withLock { $0 = channel }
        do {
            let value = try await body(server)
            try await channel.close()
            return value
        } catch {
            try? await channel.close()
            throw error
        }
    }

    /// Answers with this body from now on.
    public func answer(_ body: String, status: String = "200 OK", fields: String = "") {
        state.withLock {
            $0.answer =
                "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\(fields)\r\n\(body)"
        }
    }

    /// Says nothing from now on.
    public func fallSilent() { state.withLock { $0.answer = "" } }

    private func next() -> String {
        state.withLock {
            $0.requests += 1
            return $0.answer
        }
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let server: KeySetServer

        init(server: KeySetServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let answer = server.next()
            guard !answer.isEmpty else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        }
    }
}
