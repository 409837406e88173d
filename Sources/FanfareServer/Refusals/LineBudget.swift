import FanfareCore

/// How many log lines of one kind are written, and how many were held back. Pure; times are microseconds of the monotonic
/// clock.
struct LineBudget {
    /// Five at once show a pattern; then one a second is 86,400 lines a day at worst, for each kind that goes on all day.
    static let rate = Rate(perSecond: 1, burst: 5)
    /// Lines that were held back are told after that long, when no further line of their kind tells it.
    static let summaryInterval: UInt64 = 10_000_000

    private var bucket = RateLimit()
    /// Lines that were held back and not told yet, and since when.
    private var suppressed = 0
    private var suppressedSince: UInt64 = 0

    /// Asks for a line.
    ///
    /// - Returns: how many were held back since the last one; `nil`: this one is held back too.
    mutating func take(now: UInt64) -> Int? {
        guard bucket.take(of: Self.rate, now: now) else {
            if suppressed == 0 { suppressedSince = now }
            suppressed += 1
            return nil
        }
        defer { suppressed = 0 }
        return suppressed
    }

    /// How many lines were held back, once it is time to say so; `nil`: not now.
    mutating func summary(now: UInt64) -> Int? {
        guard suppressed > 0, now >= suppressedSince + Self.summaryInterval else { return nil }
        defer { suppressed = 0 }
        return suppressed
    }
}
