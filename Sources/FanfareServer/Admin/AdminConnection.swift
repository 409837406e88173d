import NIOCore
import NIOHTTP1

/// What a connection of the admin port checks before Hummingbird sees a request, and what HTTP asks for that Hummingbird does
/// not do: ``RequestCheck``, 100 Continue, the end after an answer that came before the body.
final class AdminConnection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The outbound event with which whoever answers says that it reads the body now.
    struct ReadsBody: Sendable {}

    private let connections: AdminConnections
    private let id: Int
    /// Ends a connection whose reader takes nothing of its answer. Hummingbird's idle timeout waits for an answer without end.
    private var patience: Scheduled<Void>?
    /// Heads that came, requests that are complete, and answers that are.
    private var begun = 0
    private var completed = 0
    private var answered = 0
    /// Whether the client of the last request holds its body back.
    private var awaitsContinue = false
    /// Whether nothing more is read.
    private var isOver = false

    /// - Parameter id: its number among the connections.
    init(_ connections: AdminConnections, id: Int) {
        self.connections = connections
        self.id = id
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            begun += 1
            do throws(RequestCheck.Refusal) {
                awaitsContinue = try RequestCheck(
                    version: (head.version.major, head.version.minor), target: head.uri, values: { head.headers[$0] }
                ).awaitsContinue
            } catch {
                return refuse(context, head, error)
            }
        case .body: break
        case .end:
            completed += 1
            awaitsContinue = false
            connections.note(id, isBusy: true)
        }
        context.fireChannelRead(data)
    }

    /// The answer waits for its reader, or does not any more. Whatever its length, it moves on, or its place is for another.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        patience?.cancel()
        patience = nil
        if !context.channel.isWritable {
            let (channel, connections) = (context.channel, connections)
            patience = context.eventLoop.scheduleTask(in: connections.takingTimeout) {
                connections.cutSlowReader(channel)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        patience?.cancel()
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where isAnsweredEarly:
            // Whether the body comes now is up to the client, so nobody can tell where its next request would begin.
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where isAnsweredEarly:
            isOver = true
            answered += 1
            context.writeAndFlush(data, promise: promise)
            context.close(mode: .output, promise: nil)
        case .end:
            answered += 1
            if answered == completed { connections.note(id, isBusy: false) }
            context.write(data, promise: promise)
        default: context.write(data, promise: promise)
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is ReadsBody else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if isAnsweredEarly {
            awaitsContinue = false
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        promise?.succeed()
    }

    /// Whether what is answered now is a request whose body is still held back.
    private var isAnsweredEarly: Bool { awaitsContinue && begun == answered + 1 }

    private func refuse(_ context: ChannelHandlerContext, _ head: HTTPRequestHead, _ refusal: RequestCheck.Refusal) {
        isOver = true
        // Behind an answer that is still to come, Hummingbird keeps the order; it can only say 400.
        guard begun == answered + 1 else { return context.fireErrorCaught(HTTPParserError.unknown) }
        let body = APIFailure.badRequest(refusal.message, status: refusal.status).body
        let headers: HTTPHeaders = [
            "Content-Type": "application/json", "Fanfare-Node": connections.nodeName,
            "Content-Length": "\(body.readableBytes)", "Connection": "close",
        ]
        let answer = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: refusal.status), headers: headers)
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        if head.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(mode: .output, promise: nil)
    }
}
