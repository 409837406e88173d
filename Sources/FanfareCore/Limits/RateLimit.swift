/// ``RateMeter`` for one client on its event loop: eight bytes, nothing atomic. A bucket holds a second's worth.
public struct RateLimit: Sendable {
    /// When the bucket will be full; microseconds of the monotonic clock.
    private var full: UInt64 = 0

    public init() {}

    /// Takes one out of the bucket; `false` when it is empty.
    ///
    /// - Parameters:
    ///   - now: microseconds of the monotonic clock.
    ///   - perSecond: what flows in, at least 1; also what the bucket holds.
    public mutating func take(now: UInt64, perSecond: Int) -> Bool {
        let cost = 1_000_000 / UInt64(max(1, perSecond))
        let start = max(full, now)
        guard start - now + cost <= 1_000_000 else { return false }
        full = start + cost
        return true
    }
}
