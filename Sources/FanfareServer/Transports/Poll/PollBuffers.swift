import FanfareCore
import FanfareWire
import NIOCore

/// What a poller asks where its publications are kept.
struct PollQuestion: Sendable {
    let cursor: PollCursor
    let channel: ChannelName
    /// Who asks; only who began the cursor is answered. Empty: nobody in particular.
    let user: ExactText
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

    /// Events that are handled at a time. An answer is up to 64 KiB to be put together.
    private static let visit = 64

    let mailbox: Mailbox<Event>
    private var buffers: [ClientID: PollBuffer] = [:]
    private var events: [Event] = []
    private var next = 0

    init(wake: @escaping @Sendable () -> Void) { mailbox = Mailbox(wake: wake) }

    func add(_ buffer: PollBuffer) { buffers[buffer.id] = buffer }
    func remove(_ buffer: PollBuffer) { buffers[buffer.id] = nil }

    func ask(_ question: PollQuestion, _ answer: @escaping (PollReply) -> Void) {
        guard let buffer = buffers[question.cursor.id], buffer.channel == question.channel,
            buffer.client?.session.user == question.user
        else { return answer(.gone) }
        buffer.poll(question.poll, had: question.cursor.answers, wait: question.wait, answer)
    }

    func leave(_ cursor: PollCursor, poll: UInt64) { buffers[cursor.id]?.leave(poll) }

    /// Handles what was posted, as far as one visit goes. Returns whether that was all.
    func visitMailbox() -> Bool {
        if events.isEmpty { mailbox.take(into: &events) }
        let end = min(events.count, next + Self.visit)
        while next < end {
            let event = events[next]
            next += 1
            switch event {
            case .question(let question, let answer): ask(question, answer)
            case .leave(let cursor, let poll): leave(cursor, poll: poll)
            case .reply(let poll, let reply): poll.value.replied(reply)
            }
        }
        guard next == events.count else { return false }
        (events, next) = ([], 0)
        return true
    }
}
