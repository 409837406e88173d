import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// A poll of what is kept between two polls: asks where that is, on this event loop, another one or another node, and answers with
/// it. It is a client of its own, that waits for its request's answer like any poll. Lives on its event loop.
final class CursorPoll {
    private let exchange: Exchange
    private let transport: PollTransport
    private let form: StreamForm
    private let channel: ChannelName
    private let session: RawSession
    private let wait: Duration
    /// What it asks with; `nil` while it has none.
    private var question: PollQuestion?
    /// One that begins for it.
    private var opening: PollBuffer?

    init(
        _ exchange: Exchange, _ form: StreamForm, _ channel: ChannelName, _ session: RawSession, _ wait: Duration
    ) {
        transport = PollTransport(exchange, form, channel)
        (self.exchange, self.form, self.channel, self.session, self.wait) = (exchange, form, channel, session, wait)
    }

    func begin(_ cursor: PollQuery.Cursor) {
        ClientRequest(exchange: exchange, transport: transport) { [self] client, _ in
            exchange.holdOpen()
            exchange.onGone = { [self] in gone() }
            client.begin(on: nil)
            switch cursor {
            case .new: open(isReset: false)
            case .unreadable: open(isReset: true)
            case .known(let cursor): ask(cursor)
            }
        }.begin(.raw(session.unnamed), form.wireFormat)
    }

    private func ask(_ cursor: PollCursor) {
        let question = PollQuestion(
            cursor: cursor, channel: channel, user: session.user, expiresAt: session.expiresAt ?? .max,
            wait: UInt64(wait.microseconds),
            poll: .random(in: 0...UInt64.max))
        self.question = question
        transport.fields[.fanfareCursor] = "\(cursor)"
        exchange.loop.node.polls.ask(question, for: self, of: exchange)
    }

    /// Its question is answered.
    func replied(_ reply: PollReply) {
        guard let question, !exchange.isOver else { return }
        self.question = nil
        switch reply {
        case .lines(let lines):
            var cursor = question.cursor
            cursor.answers += 1
            transport.fields[.fanfareCursor] = "\(cursor)"
            transport.answer(lines: lines)
        case .nothing: transport.answerNothing()
        case .gone: open(isReset: true)
        case .unavailable:
            refuse("what is kept for this cursor can't be reached, try again")
        }
    }

    /// Begins to keep what comes from now on.
    ///
    /// - Parameter isReset: whether the poller had a cursor, and may have missed something.
    private func open(isReset: Bool) {
        opening = PollBuffer.open(for: exchange, session, in: channel) { [self] buffer in
            guard let buffer else { return transport.giveUp() }
            let cursor = PollCursor(id: buffer.id)
            guard isReset else { return ask(cursor) }
            transport.fields[.fanfareCursor] = "\(cursor)"
            let reset = form.opening(at: nil, isComplete: false, retry: 0)
            if let reset { transport.client?.reply(reset) }
        }
    }

    private func refuse(_ message: String) {
        transport.giveUp()
        exchange.refuse(.brokerUnavailable, .serviceUnavailable, message, retry: true)
    }

    /// Nobody is there any more.
    private func gone() {
        transport.finish()
        if let client = opening?.client, client.life.phase == .opening { client.finish() }
        if let question { exchange.loop.node.polls.leave(question, from: exchange.loop) }
        question = nil
    }
}
