/// What a client has the broker read: one thing at a time. While it is under way none of the client's commands is begun, for
/// its answer takes place in the client's queue before it is read. A pure state machine.
public struct ReadGate: Sendable {
    private enum State: Equatable {
        case open
        /// A history, or members.
        case answer
        /// What a subscription missed; the number of its command.
        case recovery(UInt32)
    }

    private var state = State.open

    public init() {}

    /// Whether a read is under way.
    public var isClosed: Bool { state != .open }

    /// A history or a channel's members are read.
    public mutating func begin() { state = .answer }

    /// They are there.
    public mutating func end() { if state == .answer { state = .open } }

    /// The subscription whose recovery is read, by its command's number; `nil`: there is none.
    public var recovery: UInt32? {
        if case .recovery(let id) = state { id } else { nil }
    }

    /// What a subscription missed is read.
    public mutating func beginRecovery(_ id: UInt32) { state = .recovery(id) }

    /// A subscription is answered. Returns whether it was the one.
    public mutating func endRecovery(_ id: UInt32) -> Bool {
        guard state == .recovery(id) else { return false }
        state = .open
        return true
    }

    /// Nobody waits for an answer any more.
    public mutating func open() { state = .open }
}
