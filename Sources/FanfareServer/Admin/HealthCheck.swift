import FanfareRedis
import FanfareWire
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks a node's admin port over HTTP: for `fanfare health`, where no other HTTP client is to be had.
public enum HealthCheck {
    /// What the node said.
    public struct Answer: Sendable {
        /// Whether it was a 200.
        public let isGood: Bool
        /// For a person.
        public let text: String
    }

    /// Where to ask a node whose admin port is bound to `host`: at that address; at loopback of the same family where that is
    /// all addresses.
    static func target(_ host: String) -> String {
        switch NetworkAddress(host).wildcard {
        case .v4: "127.0.0.1"
        case .v6: "::1"
        case nil: host
        }
    }

    /// Asks the node on this machine; answers within three seconds.
    ///
    /// - Parameter host: what the node's admin port is bound to.
    public static func ask(host: String, port: Int, path: String) async -> Answer {
        let host = target(host)
        let authority = Authority.text(host: host, port: port)
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(2))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(Asker(authority: authority, path: path))
                    }
                }
                .connect(host: host, port: port).get()
            let asker = try await channel.pipeline.handler(type: Asker.self).map(\.answer).get()
            let timeout = channel.eventLoop.scheduleTask(in: .seconds(3)) { channel.close(promise: nil) }
            defer { timeout.cancel() }
            return try await asker.get()
        } catch {
            let reason = NetworkFailure.describe(error)
            return Answer(isGood: false, text: "no answer from http://\(authority)\(path): \(reason)")
        }
    }
}

/// One request, one answer.
private final class Asker: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let authority: String
    private let path: String
    private var promise: EventLoopPromise<HealthCheck.Answer>?
    private var status = 0
    private var body = ByteBuffer()

    init(authority: String, path: String) {
        self.authority = authority
        self.path = path
    }

    var answer: EventLoopFuture<HealthCheck.Answer> {
        guard let promise else { preconditionFailure("asked before the handler was added") }
        return promise.futureResult
    }

    func handlerAdded(context: ChannelHandlerContext) {
        promise = context.eventLoop.makePromise()
        if context.channel.isActive { ask(context) }
    }

    func channelActive(context: ChannelHandlerContext) { ask(context) }

    private func ask(_ context: ChannelHandlerContext) {
        let head = HTTPRequestHead(
            version: .http1_1,
            method: .GET,
            uri: path,
            headers: ["Host": authority, "Connection": "close"]
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let part): if body.readableBytes < 65_536 { body.writeImmutableBuffer(part) }
        case .end:
            promise?.succeed(.init(isGood: status == 200, text: "\(status) \(String(buffer: body))"))
            context.close(promise: nil)
        }
    }

    // Also the end of a connection that was refused: there the channel never becomes active, so never inactive.
    func handlerRemoved(context: ChannelHandlerContext) { promise?.fail(ChannelError.eof) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise?.fail(error)
        context.close(promise: nil)
    }
}
