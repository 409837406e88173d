import FanfareCore
import FanfareWire
import NIOCore

/// What a poller asks where its publications are kept.
struct PollQuestion: Sendable {
    let cursor: PollCursor
    let channel: ChannelName
    /// Who asks; only who began the cursor is answered. Empty: nobody in particular.
    let user: ExactText
    /// When its token expires, seconds since 1970, `.max` for never; `nil`: an older node does not say.
    let expiresAt: Int64?
    /// Microseconds for which it waits for something to come.
    let wait: UInt64
    /// Names the poll.
    let poll: UInt64
}

/// What it is told.
enum PollReply: Sendable {
    /// Lines, and with them one more answer that it has had.
    case lines(ByteBuffer)
    /// Nothing came in time, or a later poll has taken its place.
    case nothing
    /// Nothing is kept under this cursor, or not any more.
    case gone
    /// Where it is kept, nobody answers now.
    case unavailable
}

/// The buffers of one event loop, and what others ask of them. Lives on its loop.
final class PollBuffers {
    /// What another event loop or node posts.
    enum Event: Sendable {
        case question(PollQuestion, @Sendable (PollReply) -> Void)
        case leave(PollCursor, poll: UInt64)
        /// The answer to a question of this loop.
        case reply(NIOLoopBound<CursorPoll>, PollReply)
    }

    let mailbox: Mailbox<Event>
    private var buffers: [ClientID: PollBuffer] = [:]
    private var events: MailboxReader<Event>

    init(wake: @escaping @Sendable () -> Void) {
        mailbox = Mailbox(wake: wake)
        events = MailboxReader(mailbox)
    }

    func add(_ buffer: PollBuffer) { buffers[buffer.id] = buffer }
    func remove(_ buffer: PollBuffer) { buffers[buffer.id] = nil }

    func ask(_ question: PollQuestion, _ answer: @escaping (PollReply) -> Void) {
        guard let buffer = buffers[question.cursor.id], buffer.channel == question.channel,
            buffer.client?.session.user == question.user
        else { return answer(.gone) }
        if let expiresAt = question.expiresAt { buffer.client?.extend(to: expiresAt) }
        buffer.poll(question.poll, had: question.cursor.answers, wait: question.wait, answer)
    }

    func leave(_ cursor: PollCursor, poll: UInt64) { buffers[cursor.id]?.leave(poll) }

    /// Handles what was posted, as far as one visit goes. Returns whether that was all.
    func visitMailbox() -> Bool {
        var left = Self.visit
        while left > 0, let event = events.next() {
            left -= 1
            switch event {
            case .question(let question, let answer): ask(question, answer)
            case .leave(let cursor, let poll): leave(cursor, poll: poll)
            case .reply(let poll, let reply): poll.value.replied(reply)
            }
        }
        return events.end()
    }
}
