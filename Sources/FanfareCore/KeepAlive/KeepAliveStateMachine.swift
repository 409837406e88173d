/// Who says that a connection is alive, and when its other end counts as gone.
public enum KeepAliveMode: Sendable, Equatable {
    /// The server pings, and the client has to show life after each ping (WebSocket).
    case serverPings
    /// The server pings, and nothing can come back: a peer that is gone shows in what is written (streamed answers).
    case serverPingsOnly
    /// The server pings, and the client has to answer each ping: nothing else shows life. The first ping comes after a whole interval,
    /// each further one a whole interval after the answer, as its clients count, too.
    case serverPingsAnswered
    /// The client pings, and has to show life at least that often; see ``KeepAlive/clientTime(_:)``.
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
        /// Pinged at `since`; must show life in time, which began so many microseconds before.
        case awaitingPong(since: UInt64, late: UInt32)
        /// Next ping at that time, and no answer to any.
        case pinging(next: UInt64)
        /// Showed life at `since`, and must again within so many milliseconds.
        case listening(since: UInt64, within: UInt32)
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

    /// By how much a ping may be late without its answer having longer: what two ticks of the wheel cost.
    private static let lateness: UInt64 = 250_000

    private var state = State.off
    /// Whether intervals are counted from the answers, and the time for an answer from when its ping was due.
    private var isExact = false

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
            // Rounded up, and at most 49 days.
            let within = UInt32(clamping: (time.microseconds + 999) / 1_000)
            state = .listening(since: now, within: within)
            return now + UInt64(within) * 1_000
        }
        guard let interval = settings.pingInterval?.microseconds else { return nil }
        isExact = mode == .serverPingsAnswered
        let first = now + (isExact ? interval : max(1, UInt64(Double(interval) * spread)))
        state = mode == .serverPingsOnly ? .pinging(next: first) : .resting(until: first)
        return first
    }

    /// The client showed life.
    ///
    /// - Parameter settings: asked for only where they matter, for each message shows life.
    /// - Returns: the round trip in microseconds when a ping was out.
    public mutating func lifeSeen(now: UInt64, settings: @autoclosure () -> KeepAlive) -> UInt64? {
        switch state {
        case .awaitingPong(let since, _):
            guard let interval = settings().pingInterval?.microseconds else { return nil }
            state = .resting(until: (isExact ? now : since) + interval)
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
        case .resting(let due):
            let timeout = settings.pongTimeout.microseconds
            // Who asks ``isOverdue(now:)`` may know the time of the ping as well as we do.
            let sent = isExact ? max(due, now &- min(Self.lateness, timeout / 2)) : now
            state = .awaitingPong(since: now, late: UInt32(clamping: now &- sent))
            return .ping(next: sent + timeout)
        case .awaitingPong(let since, let late):
            let deadline = since - UInt64(late) + settings.pongTimeout.microseconds
            return now < deadline ? .wait(until: deadline) : .noPong
        case .pinging:
            guard let interval = settings.pingInterval?.microseconds else { return .none }
            state = .pinging(next: now + interval)
            return .ping(next: now + interval)
        case .listening(let since, let within):
            let deadline = since + UInt64(within) * 1_000
            return now < deadline ? .wait(until: deadline) : .noPong
        }
    }

    /// Whether the time for an answer is over, though the wheel may not have said so yet. Only where each ping is answered.
    public func isOverdue(now: UInt64, settings: KeepAlive) -> Bool {
        guard isExact, case .awaitingPong(let since, let late) = state else { return false }
        return now >= since - UInt64(late) + settings.pongTimeout.microseconds
    }
}
