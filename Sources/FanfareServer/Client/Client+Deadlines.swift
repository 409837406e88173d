import FanfareCore
import FanfareWire

/// Everything about this client that time decides. One place in the loop's wheel serves all of it.
extension Client {
    /// Begins with the first deadline: the first command, or the first ping.
    func startDeadlines() {
        let now = loop.node.clock.monotonicMicroseconds()
        guard !session.hasBegun else {
            scheduleExpiry()
            return startKeepAlive(now: now)
        }
        deadlines.phase = now + limits.firstCommandTimeout.microseconds
        reschedule()
    }

    /// Pings begin: at once for clients that need not say anything first, else after their first command.
    func startKeepAlive(now: UInt64) {
        let first = (session.keepAlive ?? transport?.keepAlive).flatMap { mode in
            keepAlive.start(
                now: now,
                mode: mode,
                settings: keepAliveSettings,
                spread: Double.random(in: 0..<1)
            )
        }
        deadlines.phase = first ?? ClientDeadlines.never
        reschedule()
    }

    /// Whether the time for its answer to a ping is over: see ``KeepAliveStateMachine/isOverdue(now:settings:)``.
    func isOverdue(now: UInt64) -> Bool { keepAlive.isOverdue(now: now, settings: keepAliveSettings) }

    private var keepAliveSettings: KeepAlive {
        let settings = loop.node.configuration.keepAlive
        return transport?.keepAlive == .serverPingsAnswered ? settings.alwaysOn : settings
    }

    /// The node drains: this client is ended at that time.
    func drain(at time: UInt64) {
        deadlines.drain = time
        reschedule()
    }

    /// The client showed life.
    func lifeSeen(now: UInt64) {
        if let roundTrip = keepAlive.lifeSeen(now: now, settings: keepAliveSettings) {
            loop.metrics.pingRoundTrip.record(microseconds: Int(truncatingIfNeeded: roundTrip))
        }
    }

    /// The client could show no life, for it was not read: it counts as alive.
    func grantLife(now: UInt64) { _ = keepAlive.lifeSeen(now: now, settings: keepAliveSettings) }

    /// A message has begun, and is given its time.
    ///
    /// The wheel is touched only where it would come too late: nearly every message is whole at once or a moment later.
    func messageBegun(now: UInt64) {
        guard deadlines.message == ClientDeadlines.never else { return }
        let (first, until) = (deadlines.first, now + limits.messageTimeout.microseconds)
        deadlines.message = until
        if first > until { reschedule() }
    }

    /// A turn is over: messages that belong to those before them are given the time of one.
    func notePart(now: UInt64) {
        let isWaiting = session.isWithinMessage && !inbound.isPaused
        guard isWaiting != (deadlines.parts != ClientDeadlines.never) else { return }
        deadlines.parts = isWaiting ? now + limits.messageTimeout.microseconds : ClientDeadlines.never
        if isWaiting { reschedule() }
    }

    func reschedule() {
        let next: UInt64
        switch life.phase {
        case .open: next = min(deadlines.first, inbound.isThrottled ? inbound.throttle.until : ClientDeadlines.never)
        case .opening, .closing: next = deadlines.phase
        case .ended: return
        }
        if next < ClientDeadlines.never { loop.wheel.schedule(self, at: next) } else { loop.wheel.cancel(self) }
    }

    func deadlineReached(now: UInt64) {
        switch life.phase {
        case .open:
            if deadlines.drain <= now { return end(.serviceRestart) }
            if deadlines.slow <= now {
                return end(
                    .slow, reason: "slow consumer: \(outbound.outbox.bytes) bytes wait and nothing is taken")
            }
            if deadlines.message <= now || deadlines.parts <= now { return end(.messageTimeout) }
            if deadlines.expiry <= now { expiryReached() }
            guard isOpen else { return }
            throttleDeadlineReached(now: now)
            guard isOpen else { return }
            phaseDeadlineReached(now: now)
            reschedule()
        case .closing:
            close()
        case .opening, .ended:
            break
        }
    }

    private func phaseDeadlineReached(now: UInt64) {
        guard deadlines.phase <= now else { return }
        // Who has said its first command waits for the node, and may come back.
        if !session.hasBegun { return end(session.isConnecting || isHeldUp ? .tryAgainLater : .stale) }
        let holdsPings = transport?.holdsPings == true
        if inbound.isPaused || holdsPings { grantLife(now: now) }
        // One that is due leaves a moment after the next can arrive.
        guard !holdsPings else { return deadlines.phase = now + ClientDeadlines.heldPing }
        switch keepAlive.deadlineReached(now: now, settings: keepAliveSettings) {
        case .ping(let next):
            deadlines.phase = next
            loop.metrics.counters.add(.pingsSent)
            sendPing()
        case .wait(let until):
            deadlines.phase = until
        case .none:
            deadlines.phase = ClientDeadlines.never
        case .noPong:
            end(.noPong)
        }
    }

    private func sendPing() {
        let own = session.ping
        if let own { reply(own) }
        // Where nobody answers the protocol's ping, the transport's shows life.
        guard own == nil || (!session.answersPing && transport?.keepAlive == .serverPings) else { return }
        if let ping = transport?.ping, ping.readableBytes > 0 { reply(ping) }
    }
}
