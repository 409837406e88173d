import FanfareCore
import FanfareWire
import NIOCore

/// A session that outlives its requests, as they reach it: ``SessionTransport``, or a transport with rules of its own. On its event
/// loop.
protocol AddressedSession: AnyObject {
    var address: SessionAddress { get }
    /// `nil`: it has ended.
    var client: Client? { get }

    /// A receiver asks. Its answer may come at once.
    func receive(_ question: SessionQuestion, _ answer: @escaping (SessionReply) -> Void)

    /// A receiver goes.
    ///
    /// - Parameter aborted: whether its client went, and not the receiver.
    func leave(_ receiver: UInt64, aborted: Bool)

    /// The body of a request came.
    func send(_ body: ByteBuffer, _ answer: @escaping (SessionOutcome) -> Void)

    /// A connection came that is the session's from now on.
    func take(_ connection: MovedConnection)
}

/// The sessions of one event loop that outlive their requests, and what other event loops and nodes ask of them. Lives on its loop.
final class SessionTable {
    /// What another event loop or node posts.
    enum Event: Sendable {
        case receive(SessionQuestion, @Sendable (SessionReply) -> Void)
        case leave(SessionAddress, receiver: UInt64, aborted: Bool)
        case send(SessionAddress, ByteBuffer, @Sendable (SessionOutcome) -> Void)
        /// What a session was to say was above what nodes send each other, and is lost.
        case tooLarge(SessionAddress)
        /// A connection of another event loop comes here, to its session.
        case take(SessionAddress, MovedConnection)
        /// An answer for something of this loop.
        case answered(@Sendable () -> Void)
    }

    /// Events that are handled at a time. An answer is up to 64 KiB to be put together.
    private static let visit = 64

    let mailbox: Mailbox<Event>
    private let relay: SessionRelay
    private let loop: Int
    private var sessions: [ExactText: any AddressedSession] = [:]
    /// Those that have ended and still say so.
    private var ended: Set<ExactText> = []
    private var events: MailboxReader<Event>

    init(_ relay: SessionRelay, loop: Int, wake: @escaping @Sendable () -> Void) {
        (self.relay, self.loop) = (relay, loop)
        mailbox = Mailbox(wake: wake)
        events = MailboxReader(mailbox)
    }

    /// Takes in a session that begins. Returns whether no other has its name on this node.
    func add(_ session: any AddressedSession) -> Bool {
        guard relay.enter(session.address.name, loop: loop) else { return false }
        sessions[session.address.name] = session
        relay.metrics.loops[loop].counters.add(.requestSessions)
        return true
    }

    /// Lets go of one.
    func remove(_ session: any AddressedSession) {
        let name = session.address.name
        guard sessions[name] === session else { return }
        sessions[name] = nil
        ended.remove(name)
        relay.leave(name)
        relay.metrics.loops[loop].counters.add(.requestSessions, -1)
    }

    /// A session has ended. Returns whether there is room for it to say so for a while.
    func keepsEnd(of session: any AddressedSession) -> Bool {
        let name = session.address.name
        guard sessions[name] === session, ended.count < SessionBounds.ended else { return false }
        ended.insert(name)
        return true
    }

    /// A session of this loop for a request that may know of it.
    func session(_ address: SessionAddress) -> (any AddressedSession)? {
        guard let session = sessions[address.name], session.address.proof == address.proof else { return nil }
        return session
    }

    func receive(_ question: SessionQuestion, _ answer: @escaping (SessionReply) -> Void) {
        guard let session = session(question.session) else { return answer(.gone) }
        session.receive(question, answer)
    }

    func leave(_ address: SessionAddress, receiver: UInt64, aborted: Bool) {
        session(address)?.leave(receiver, aborted: aborted)
    }

    func send(_ address: SessionAddress, _ body: ByteBuffer, _ answer: @escaping (SessionOutcome) -> Void) {
        guard let session = session(address) else { return answer(.gone) }
        session.send(body, answer)
    }

    /// Handles what was posted, as far as one visit goes. Returns whether that was all.
    func visitMailbox() -> Bool {
        var left = Self.visit
        while left > 0, let event = events.next() {
            left -= 1
            switch event {
            case .receive(let question, let answer): receive(question, answer)
            case .leave(let address, let receiver, let aborted): leave(address, receiver: receiver, aborted: aborted)
            case .send(let address, let body, let answer): send(address, body, answer)
            case .tooLarge(let address): session(address)?.client?.lost(.messageTooBig)
            case .take(let address, let connection):
                if let session = session(address) { session.take(connection) } else { connection.close() }
            case .answered(let body): body()
            }
        }
        return events.end()
    }
}
