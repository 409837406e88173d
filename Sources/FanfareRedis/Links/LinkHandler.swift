import NIOCore
import NIOSSL

/// The handler of a Redis connection: logs in, then hands over replies. On the link's event loop.
final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What happens on a connection.
    enum Event {
        /// Logged in.
        case ready(any Channel)
        case reply(ReplyView)
        /// The replies of one read are through.
        case burst
        /// The end; nothing follows.
        case lost(any Error)
    }

    /// A command of the log-in.
    struct LogInCommand: Sendable {
        /// For messages: the arguments may hold a password.
        let name: String
        let arguments: [String]
        let mayFail: Bool
        /// What is wrong with an answer that is no error.
        var objection: (@Sendable (ReplyView) -> String?)?
    }

    private let logIn: [LogInCommand]
    private let showing: (String) -> RedisWords
    private let timeout: TimeAmount
    private var events: ((Event) -> Void)?
    private let reader = ReplyReader()
    private var answered = 0
    private var deadline: Scheduled<Void>?

    /// - Parameter showing: what may be shown of words that came from Redis.
    init(
        logIn: [LogInCommand], timeout: TimeAmount, showing: @escaping (String) -> RedisWords,
        events: @escaping (Event) -> Void
    ) {
        self.logIn = logIn
        self.showing = showing
        self.timeout = timeout
        self.events = events
    }

    func channelActive(context: ChannelHandlerContext) {
        var bytes = ByteBuffer()
        for command in logIn { RedisCommand.write(command.arguments, into: &bytes) }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            let (handler, context) = bound.value
            handler.fail(context, RedisLinkError.timeout("the log-in"))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let reader else { return fail(context, RedisLinkError.protocolError("no memory for a reader")) }
        do {
            try reader.read(unwrapInboundIn(data)) { reply in
                if answered < logIn.count {
                    logInAnswered(context, reply)
                } else {
                    events?(.reply(reply))
                }
            }
        } catch {
            fail(context, error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if answered == logIn.count { events?(.burst) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context, RedisLinkError.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, error)
    }

    private func logInAnswered(_ context: ChannelHandlerContext, _ reply: ReplyView) {
        let command = logIn[answered]
        answered += 1
        if let words = reply.error ?? command.objection?(reply), !command.mayFail {
            return fail(context, RedisLinkError.refused(command: command.name, words: showing(words)))
        }
        guard answered == logIn.count else { return }
        deadline?.cancel()
        deadline = nil
        events?(.ready(context.channel))
    }

    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        deadline?.cancel()
        deadline = nil
        let events = self.events
        self.events = nil
        events?(.lost(error))
        context.close(promise: nil)
    }
}
