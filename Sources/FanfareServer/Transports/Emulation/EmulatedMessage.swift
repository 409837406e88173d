import FanfareWire

/// What a client sent in a request of its own, on its way to the event loop of its session.
struct EmulatedMessage: Sendable {
    /// What became of it.
    enum Outcome: Sendable, Equatable {
        /// The session has it, and begins it in its turn.
        case taken
        /// There is no such session, or this is not its secret.
        case gone
        /// This node has just come, and does not know yet whether there is such a node. Nothing was done.
        case notYet
        /// Too much waits: for the session, its event loop, or between the nodes. Nothing was done.
        case full
        /// It is above what nodes send each other.
        case tooLarge
        /// The other node can't be reached. Nothing was done.
        case unreachable
        /// The other node did not say in time whether it has it.
        case unknown
    }

    let session: SessionID
    let payload: Payload
    /// Called once, on any thread.
    let answer: @Sendable (Outcome) -> Void
}
