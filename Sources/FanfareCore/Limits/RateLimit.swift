/// The state of a ``Rate`` that has one owner, such as a client on its event loop: eight bytes, nothing atomic.
public struct RateLimit: Sendable {
    /// Nanoseconds of the monotonic clock.
    private var used: UInt64 = 0

    public init() {}

    /// Takes `count` out of the bucket; `false`, and nothing is taken, when it does not hold them.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    public mutating func take(_ count: Int = 1, of rate: Rate, now: UInt64) -> Bool {
        guard let next = rate.taking(count, used: used, now: now) else { return false }
        used = next
        return true
    }

    /// Takes `count` in any case. What the bucket did not hold has to be waited for: ``wait(of:now:)``.
    public mutating func charge(_ count: Int, of rate: Rate, now: UInt64) {
        used = rate.charging(count, used: used, now: now)
    }

    /// Microseconds until one more is let through; 0: now.
    public func wait(of rate: Rate, now: UInt64) -> UInt64 { rate.wait(used: used, now: now) }
}
