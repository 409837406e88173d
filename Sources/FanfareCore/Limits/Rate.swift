/// How often something may happen: a token bucket, told by the time at which all that was let through would have gone at
/// the even rate (the generic cell rate algorithm). So its state is one number: ``RateLimit`` keeps it for one owner,
/// ``RateMeter`` for all threads.
public struct Rate: Sendable, Hashable {
    /// What flows in, in a second.
    public let perSecond: Int
    /// What the bucket holds: so much may come at once.
    public let burst: Int

    /// - Parameters:
    ///   - perSecond: at least 1.
    ///   - burst: at least 1; `nil`: a second's worth.
    public init(perSecond: Int, burst: Int? = nil) {
        self.perSecond = max(1, perSecond)
        self.burst = max(1, burst ?? perSecond)
        oneTime = Self.time(1, self.perSecond)
        burstTime = Self.time(self.burst, self.perSecond)
    }

    /// Nanoseconds in which one flows in, and the bucket fills: known, because divisions are what a charge costs.
    private let oneTime: UInt64
    private let burstTime: UInt64

    private static let second: UInt64 = 1_000_000_000
    /// Later than any clock, and far enough from where sums overflow.
    private static let never = UInt64.max >> 1

    /// Nanoseconds in which so many flow in.
    private static func time(_ count: Int, _ perSecond: Int) -> UInt64 {
        let (product, isTooMuch) = UInt64(max(0, count)).multipliedReportingOverflow(by: second)
        return min(never >> 1, (isTooMuch ? .max : product) / UInt64(perSecond))
    }

    /// The state after `count` more; `nil`: the bucket does not hold them.
    ///
    /// - Parameters:
    ///   - used: the state, nanoseconds.
    ///   - now: microseconds of the monotonic clock.
    func taking(_ count: Int, used: UInt64, now: UInt64) -> UInt64? {
        let next = charging(count, used: used, now: now)
        return next <= now * 1_000 + burstTime ? next : nil
    }

    /// The state after `count` more, whether or not the bucket holds them: what is too much is a debt.
    func charging(_ count: Int, used: UInt64, now: UInt64) -> UInt64 {
        min(Self.never, max(used, now * 1_000) + (count == 1 ? oneTime : Self.time(count, perSecond)))
    }

    /// The state in which one more is let through after so many microseconds.
    func debt(of wait: UInt64, now: UInt64) -> UInt64 {
        min(Self.never, (now + wait) * 1_000 + (burstTime > oneTime ? burstTime - oneTime : 0))
    }

    /// The state after one that was taken did not count; never less than a full bucket's.
    func giving(used: UInt64) -> UInt64 { used > oneTime ? used - oneTime : 0 }

    /// Microseconds until one more is let through; 0: now.
    func wait(used: UInt64, now: UInt64) -> UInt64 {
        let free = max(used, now * 1_000) + oneTime
        let until = now * 1_000 + burstTime
        return free <= until ? 0 : (free - until + 999) / 1_000
    }
}
