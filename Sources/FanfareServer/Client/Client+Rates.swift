import FanfareCore
import FanfareProtocols
import FanfareWire

/// How fast this client may send. Who is too fast is not read for a while: what it sends then waits in the kernels on both
/// sides, nothing is lost, and nobody has to be told. The loop's wheel wakes it, to a tick.
extension Client {
    private var rates: ClientRates { loop.node.rates }

    /// Charges what the socket gave.
    func charge(bytes: Int, now: UInt64) { inbound.throttle.read(bytes: bytes, rates, now: now) }

    /// Charges a message of so many commands.
    func charge(commands: Int = 1, now: UInt64) {
        inbound.throttle.message(commands: commands, rates, now: now)
        guard let user = places.ofUser else { return }
        inbound.throttle.hold(user.message(commands: commands, now: now), for: .userMessages, now: now)
    }

    /// Charges a publication of a client whose protocol has no answer to it.
    func chargePublication(now: UInt64) {
        inbound.throttle.publication(rates, now: now)
        guard let user = places.ofUser else { return }
        inbound.throttle.hold(user.publication(now: now), for: .userPublications, now: now)
    }

    /// How long a command would have to wait; `nil`: it is in time.
    func wait(for command: Session.Command) -> UInt64? {
        guard let rate = command.rate else { return nil }
        let now = loop.node.clock.monotonicMicroseconds()
        if let wait = inbound.throttle.ask(rate, rates, now: now) {
            loop.metrics.rateRefusals.add(rate)
            return wait
        }
        guard rate == .publications else { return nil }
        if let wait = transport?.publisher?.publish(now: now) {
            loop.metrics.rateRefusals.add(rate)
            return wait
        }
        guard let wait = places.ofUser?.publish(now: now) else { return nil }
        loop.metrics.rateRefusals.add(.userPublications)
        return wait
    }

    /// Notes whether rates hold the client back, for the wheel and for the operator.
    func noteThrottle(now: UInt64) {
        let was = inbound.isThrottled
        inbound.isThrottled = inbound.throttle.holds(now: now)
        guard inbound.isThrottled, !was else { return }
        loop.metrics.throttled.add(inbound.throttle.cause)
        reschedule()
        guard !inbound.isThrottleLogged else { return }
        inbound.isThrottleLogged = true
        loop.node.logger.debug(
            "client sends faster than it may", metadata: ["limit": "\(inbound.throttle.cause.label)"])
    }

    /// The time may have come to read it again.
    func throttleDeadlineReached(now: UInt64) {
        guard inbound.isThrottled, inbound.throttle.until <= now else { return }
        inbound.isThrottled = false
        // Not now: many may wait for the same tick.
        waitForTurn()
    }
}
