/// Lets one line of a kind through to the log in a while, and counts those that it holds back.
struct LogThrottle {
    /// Between two lines, in microseconds.
    let interval: UInt64
    private var next: UInt64 = 0
    private var heldBack = 0

    init(interval: Duration) { self.interval = UInt64(max(0, interval.components.seconds)) * 1_000_000 }

    /// How many were held back since the last line, when this one may be written; `nil`: not now.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    mutating func take(now: UInt64) -> Int? {
        guard now >= next else {
            heldBack += 1
            return nil
        }
        next = now + interval
        defer { heldBack = 0 }
        return heldBack
    }
}
