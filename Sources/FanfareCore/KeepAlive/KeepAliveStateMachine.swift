/// Who says that a connection is alive, and when its other end counts as gone.
public enum KeepAliveMode: Sendable, Equatable {
    /// The server pings, and the client has to show life after each ping (WebSocket).
    case serverPings
    /// The server pings, and nothing can come back: a peer that is gone shows in what is written (SSE, HTTP streams).
    case serverPingsOnly
    /// The client pings, and has to show life at least that often (MQTT, STOMP); see ``KeepAlive/clientTime(_:)``.
    case clientPings(within: Duration)
}

/// When one client is pinged and when it counts as gone. Times are microseconds of the monotonic clock.
///
/// Signs of life only change the state; the wheel is not touched until its deadline comes (a busy client costs nothing). A client
/// that is not read can show none: whoever does not read it says ``lifeSeen(now:settings:)`` for it when a deadline comes, and when
/// it is read again.
public struct KeepAliveStateMachine: Sendable {
    private enum State {
        /// Nothing is sent and nothing expected.
        case off
        /// Next ping at that time.
        case resting(until: UInt64)
        /// Pinged at `since`; must show life before `deadline`.
        case awaitingPong(since: UInt64, deadline: UInt64)
        /// Next ping at that time, and no answer to any.
        case pinging(next: UInt64)
        /// Showed life at `since`, and must again within so many microseconds.
        case listening(since: UInt64, within: UInt64)
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
    public mutating func start(
        now: UInt64, mode: KeepAliveMode = .serverPings, settings: KeepAlive, spread: Double
    ) -> UInt64? {
        if case .clientPings(let time) = mode {
            let within = time.microseconds
            state = .listening(since: now, within: within)
            return now + within
        }
        guard let interval = settings.pingInterval?.microseconds else { return nil }
        let first = now + max(1, UInt64(Double(interval) * spread))
        state = mode == .serverPings ? .resting(until: first) : .pinging(next: first)
        return first
    }

    /// The client showed life.
    ///
    /// - Returns: the round trip in microseconds when a ping was out.
    public mutating func lifeSeen(now: UInt64, settings: KeepAlive) -> UInt64? {
        switch state {
        case .awaitingPong(let since, _):
            guard let interval = settings.pingInterval?.microseconds else { return nil }
            state = .resting(until: since + interval)
            return now &- since
        case .listening(_, let within):
            state = .listening(since: now, within: within)
            return nil
        case .off, .resting, .pinging:
            return nil
        }
    }

    /// The deadline has come.
    public mutating func deadlineReached(now: UInt64, settings: KeepAlive) -> Action {
        switch state {
        case .off:
            return .none
        case .resting(let until) where now < until, .pinging(let until) where now < until:
            return .wait(until: until)
        case .resting:
            let deadline = now + settings.pongTimeout.microseconds
            state = .awaitingPong(since: now, deadline: deadline)
            return .ping(next: deadline)
        case .awaitingPong(_, let deadline):
            return now < deadline ? .wait(until: deadline) : .noPong
        case .pinging:
            guard let interval = settings.pingInterval?.microseconds else { return .none }
            state = .pinging(next: now + interval)
            return .ping(next: now + interval)
        case .listening(let since, let within):
            return now < since + within ? .wait(until: since + within) : .noPong
        }
    }
}
