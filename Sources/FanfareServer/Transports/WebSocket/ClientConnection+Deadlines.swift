import FanfareCore
import FanfareWire

/// Everything about this client that time decides. One place in the loop's wheel serves all of it.
extension ClientConnection {
    /// Begins with the first deadline: the first command, or the first ping.
    func startDeadlines() {
        let now = loop.node.clock.monotonicMicroseconds()
        guard session != nil else {
            scheduleExpiry()
            return startKeepAlive(now: now)
        }
        deadline = now + limits.firstCommandTimeout.microseconds
        reschedule()
    }

    /// Pings begin: at once for raw clients, after `connect` for those with a session.
    func startKeepAlive(now: UInt64) {
        deadline = keepAlive.start(
            now: now,
            settings: loop.node.configuration.keepAlive,
            spread: Double.random(in: 0..<1)
        )
        reschedule()
    }

    /// The node drains: this client is ended at that time.
    func drain(at time: UInt64) {
        drainAt = time
        reschedule()
    }

    /// The client showed life.
    func lifeSeen(now: UInt64) {
        if let roundTrip = keepAlive.lifeSeen(now: now, settings: loop.node.configuration.keepAlive) {
            loop.metrics.pingRoundTrip.record(microseconds: Int(truncatingIfNeeded: roundTrip))
        }
    }

    /// The client could show no life, for it was not read: it counts as alive.
    func grantLife(now: UInt64) { _ = keepAlive.lifeSeen(now: now, settings: loop.node.configuration.keepAlive) }

    /// Begins or ends the time that a message may take. All that was read is handled.
    ///
    /// The wheel is touched only where it would come too late: nearly every message is whole at once or a moment later.
    func watchMessage(now: UInt64) {
        guard reader.isUnfinished, !isPaused else {
            messageDeadline = nil
            return
        }
        guard messageDeadline == nil else { return }
        let until = now + limits.messageTimeout.microseconds
        messageDeadline = until
        if min(deadline ?? .max, drainAt ?? .max, slowAt ?? .max) > until { reschedule() }
    }

    func reschedule() {
        guard phase != .ended else { return }
        var next = deadline ?? .max
        if phase == .open {
            next = min(next, drainAt ?? .max, slowAt ?? .max, messageDeadline ?? .max)
            next = min(next, tokens?.expiryAt ?? .max, isThrottled ? throttle.until : .max)
        }
        if next < .max { loop.wheel.schedule(self, at: next) } else { loop.wheel.cancel(self) }
    }

    func deadlineReached(now: UInt64) {
        switch phase {
        case .open:
            if let drainAt, drainAt <= now { return end(.serviceRestart) }
            if let slowAt, slowAt <= now {
                return end(.slow, reason: "slow consumer: \(outbox.bytes) bytes wait and nothing is taken")
            }
            if let messageDeadline, messageDeadline <= now { return end(.messageTimeout) }
            if let expiryAt = tokens?.expiryAt, expiryAt <= now { expiryReached() }
            guard phase == .open else { return }
            throttleDeadlineReached(now: now)
            guard phase == .open else { return }
            openDeadlineReached(now: now)
            reschedule()
        case .closing:
            closeSocket()
        case .opening, .ended:
            break
        }
    }

    private func openDeadlineReached(now: UInt64) {
        guard let due = deadline, due <= now else { return }
        if session?.isConnected == false { return end(.stale) }
        if isPaused { grantLife(now: now) }
        switch keepAlive.deadlineReached(now: now, settings: loop.node.configuration.keepAlive) {
        case .ping(let next):
            deadline = next
            loop.metrics.counters.add(.pingsSent)
            reply(pingFrame)
        case .wait(let until):
            deadline = until
        case .none:
            deadline = nil
        case .noPong:
            end(.noPong)
        }
    }
}
