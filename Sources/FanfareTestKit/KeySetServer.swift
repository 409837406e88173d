import NIOCore
import Synchronization

/// A provider's key set over HTTP, with an answer that a test chooses and counts.
public final class KeySetServer: Sendable {
    private final class State: Sendable {
        let answer = Mutex("")
        let requests = Atomic<Int>(0)
    }

    private let state: State
    private let port: Int

    private init(_ state: State, port: Int) {
        self.state = state
        self.port = port
    }

    /// Where it is.
    public var url: String { "http://127.0.0.1:\(port)/keys?secret=hunter2" }
    /// How often it was asked.
    public var requests: Int { state.requests.load(ordering: .relaxed) }

    /// Runs `body` with a server that ends with it.
    public static func run<Value>(_ body: (KeySetServer) async throws -> Value) async throws -> Value {
        let state = State()
        return try await withLocalServer(handler: { Answerer(state) }) { port in
            try await body(KeySetServer(state, port: port))
        }
    }

    /// Answers with this body from now on.
    public func answer(_ body: String, status: String = "200 OK", fields: String = "") {
        state.answer.withLock {
            $0 = "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\(fields)\r\n\(body)"
        }
    }

    /// Says nothing from now on.
    public func fallSilent() { state.answer.withLock { $0 = "" } }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: State

        init(_ state: State) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            state.requests.add(1, ordering: .relaxed)
            let answer = state.answer.withLock(\.self)
            guard !answer.isEmpty else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        }
    }
}
