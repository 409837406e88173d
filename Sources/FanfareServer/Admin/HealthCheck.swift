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

    /// Asks the node on this machine; answers within three seconds.
    public static func ask(port: Int, path: String) async -> Answer {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(2))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(Asker(path: path))
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
            let asker = try await channel.pipeline.handler(type: Asker.self).map(\.answer).get()
            let timeout = channel.eventLoop.scheduleTask(in: .seconds(3)) { channel.close(promise: nil) }
            defer { timeout.cancel() }
            return try await asker.get()
        } catch {
            return Answer(isGood: false, text: "no answer from 127.0.0.1:\(port)\(path): \(error)")
        }
    }
}

/// One request, one answer.
private final class Asker: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let path: String
    private var promise: EventLoopPromise<HealthCheck.Answer>?
    private var status = 0
    private var body = ByteBuffer()

    init(path: String) { self.path = path }

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
            headers: ["Host": "127.0.0.1", "Connection": "close"]
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
