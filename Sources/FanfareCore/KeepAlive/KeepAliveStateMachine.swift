/// When one client is pinged and when it counts as gone. Times are microseconds of the monotonic clock.
///
/// Signs of life only change the state; the wheel is not touched until its deadline comes (a busy client costs nothing).
public struct KeepAliveStateMachine: Sendable {
    private enum State {
        /// Pings are off.
        case off
        /// Next ping at that time.
        case resting(until: UInt64)
        /// Pinged at `since`; must show life before `deadline`.
        case awaitingPong(since: UInt64, deadline: UInt64)
    }

    /// What to do when the deadline has come.
    public enum Action: Equatable, Sendable {
        /// Send a ping and come back at that time.
        case ping(next: UInt64)
        /// Nothing yet: come back at that time.
        case wait(until: UInt64)
        /// No sign of life in time: end the client.
        case noPong
        /// Nothing, and no further deadline.
        case none
    }

    private var state = State.off

    public init() {}

    /// Begins. The first ping comes after a random part of the interval, so that clients who came together are not
    /// pinged together.
    ///
    /// - Parameter spread: 0 ..< 1, random.
    /// - Returns: the first deadline; `nil` when pings are off.
    public mutating func start(now: UInt64, settings: KeepAlive, spread: Double) -> UInt64? {
        guard let interval = settings.pingInterval?.microseconds else { return nil }
        let first = now + max(1, UInt64(Double(interval) * spread))
        state = .resting(until: first)
        return first
    }

    /// The client showed life.
    ///
    /// - Returns: the round trip in microseconds when a ping was out.
    public mutating func lifeSeen(now: UInt64, settings: KeepAlive) -> UInt64? {
        guard case .awaitingPong(let since, _) = state, let interval = settings.pingInterval?.microseconds else {
            return nil
        }
        state = .resting(until: since + interval)
        return now &- since
    }

    /// The deadline has come.
    public mutating func deadlineReached(now: UInt64, settings: KeepAlive) -> Action {
        switch state {
        case .off:
            return .none
        case .resting(let until) where now < until:
            return .wait(until: until)
        case .resting:
            let deadline = now + settings.pongTimeout.microseconds
            state = .awaitingPong(since: now, deadline: deadline)
            return .ping(next: deadline)
        case .awaitingPong(_, let deadline):
            return now < deadline ? .wait(until: deadline) : .noPong
        }
    }
}
