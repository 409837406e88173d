import FanfareCore
import FanfareWire

/// How fast this client may send. Who is too fast is not read for a while: what it sends then waits in the kernels on both
/// sides, nothing is lost, and nobody has to be told. The loop's wheel wakes it, to a tick.
extension ClientConnection {
    private var rates: ClientRates { loop.node.rates }

    /// Whether more has come to a client that is not read than one turn of its loop brings: its peer has ended, and NIO reads
    /// up to the end, whatever that is. None of it will be handled.
    var isBeyondReading: Bool { isPaused && reader.bufferedBytes > limits.maxMessageBytes + 65_536 }

    /// Charges what the socket gave.
    func charge(bytes: Int, now: UInt64) { throttle.read(bytes: bytes, rates, now: now) }

    /// Charges a message of so many commands.
    func charge(commands: Int = 1, now: UInt64) {
        throttle.message(commands: commands, rates, now: now)
        if let party { throttle.hold(party.message(commands: commands, now: now), for: .userMessages, now: now) }
    }

    /// Charges a publication of a client whose protocol has no answer to it.
    func chargePublication(now: UInt64) {
        throttle.publication(rates, now: now)
        if let party { throttle.hold(party.publication(now: now), for: .userPublications, now: now) }
    }

    /// How long a command would have to wait; `nil`: it is in time.
    func wait(for command: CentrifugeCommand) -> UInt64? {
        guard let rate = CentrifugeSession.rate(of: command) else { return nil }
        let now = loop.node.clock.monotonicMicroseconds()
        if let wait = throttle.ask(rate, rates, now: now) {
            loop.metrics.rateRefusals.add(rate)
            return wait
        }
        guard rate == .publications, let wait = party?.publish(now: now) else { return nil }
        loop.metrics.rateRefusals.add(.userPublications)
        return wait
    }

    /// Notes whether rates hold the client back, for the wheel and for the operator.
    func noteThrottle(now: UInt64) {
        let was = isThrottled
        isThrottled = throttle.holds(now: now)
        guard isThrottled, !was else { return }
        loop.metrics.throttled.add(throttle.cause)
        reschedule()
        guard !isThrottleLogged else { return }
        isThrottleLogged = true
        loop.node.logger.debug("client sends faster than it may", metadata: ["limit": "\(throttle.cause.label)"])
    }

    /// The time may have come to read it again.
    func throttleDeadlineReached(now: UInt64) {
        guard isThrottled, throttle.until <= now else { return }
        isThrottled = false
        drainReader()
    }
}
