import NIOCore
import NIOSSL
import NIOTLS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

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
    private let overTLS: Bool
    /// Whether the TLS handshake has not come yet.
    private var awaitsTLS: Bool
    private var events: ((Event) -> Void)?
    private let reader = ReplyReader()
    private var answered = 0
    private var deadline: Scheduled<Void>?

    /// - Parameters:
    ///   - showing: what may be shown of words that came from Redis.
    ///   - overTLS: whether a TLS handshake comes first.
    init(
        logIn: [LogInCommand], timeout: TimeAmount, showing: @escaping (String) -> RedisWords, overTLS: Bool = false,
        events: @escaping (Event) -> Void
    ) {
        self.logIn = logIn
        self.showing = showing
        self.timeout = timeout
        self.overTLS = overTLS
        self.awaitsTLS = overTLS
        self.events = events
    }

    func channelActive(context: ChannelHandlerContext) {
        var bytes = ByteBuffer()
        for command in logIn { RedisCommand.write(command.arguments, into: &bytes) }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            let (handler, context) = bound.value
            let what = handler.awaitsTLS ? "the TLS handshake" : "the log-in"
            handler.fail(context, RedisLinkError.timeout(what))
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { awaitsTLS = false }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let reader else { return fail(context, RedisLinkError.protocolError("no memory for a reader")) }
        let bytes = unwrapInboundIn(data)
        if answered == 0, Self.isTLSAlert(bytes) { return fail(context, RedisLinkError.wantsTLS) }
        do {
            try reader.read(bytes) { reply in
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

    /// What a server that wants TLS says to a command (RFC 8446 §5.1: content type 21, version 3.x). No reply of Redis begins so.
    private static func isTLSAlert(_ bytes: ByteBuffer) -> Bool {
        bytes.readableBytesView.prefix(2).elementsEqual([21, 3])
    }

    /// Whether the other side ended the connection. With bytes that it did not read, that is a reset.
    private static func isEnd(_ cause: any Error) -> Bool {
        if case RedisLinkError.closed = cause { return true }
        return (cause as? IOError)?.errnoCode == ECONNRESET
    }

    /// What stood in the way of TLS: a certificate, or most likely a port that speaks none.
    private static func handshakeFailure(_ cause: any Error) -> any Error {
        if case RedisLinkError.closed = cause { return RedisLinkError.noTLS("closed during the TLS handshake") }
        let reason = RedisConnector.describe(cause)
        return reason.contains("certificate") ? cause : RedisLinkError.noTLS(reason)
    }

    private func fail(_ context: ChannelHandlerContext, _ cause: any Error) {
        let error =
            if awaitsTLS {
                Self.handshakeFailure(cause)
            } else if answered == 0, !overTLS, Self.isEnd(cause) {
                RedisLinkError.closedUnheard
            } else {
                cause
            }
        awaitsTLS = false
        deadline?.cancel()
        deadline = nil
        let events = self.events
        self.events = nil
        events?(.lost(error))
        context.close(promise: nil)
    }
}
