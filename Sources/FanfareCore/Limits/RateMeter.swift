import Synchronization

/// A ``Rate`` with its state in one atomic number. Any thread.
public struct RateMeter: ~Copyable, Sendable {
    public let rate: Rate
    /// Nanoseconds of the monotonic clock.
    private let used = Atomic<UInt64>(0)

    public init(_ rate: Rate) { self.rate = rate }

    /// Takes `count` out of the bucket; `false`, and nothing is taken, when it does not hold them.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    public borrowing func take(_ count: Int = 1, now: UInt64) -> Bool {
        var current = used.load(ordering: .relaxed)
        while let next = rate.taking(count, used: current, now: now) {
            let (isDone, newer) = used.weakCompareExchange(expected: current, desired: next, ordering: .relaxed)
            if isDone { return true }
            current = newer
        }
        return false
    }

    /// Takes `count` in any case. What the bucket did not hold has to be waited for: ``wait(now:)``.
    ///
    /// - Parameter atMost: microseconds that have to be waited for at most.
    public borrowing func charge(_ count: Int, now: UInt64, atMost: UInt64? = nil) {
        var current = used.load(ordering: .relaxed)
        while true {
            var next = rate.charging(count, used: current, now: now)
            if let atMost { next = max(current, min(next, rate.debt(of: atMost, now: now))) }
            let (isDone, newer) = used.weakCompareExchange(expected: current, desired: next, ordering: .relaxed)
            if isDone { return }
            current = newer
        }
    }

    /// Puts one back that was taken.
    public borrowing func give() {
        var current = used.load(ordering: .relaxed)
        while true {
            let (isDone, newer) = used.weakCompareExchange(
                expected: current, desired: rate.giving(used: current), ordering: .relaxed)
            if isDone { return }
            current = newer
        }
    }

    /// Microseconds until one more is let through; 0: now.
    public borrowing func wait(now: UInt64) -> UInt64 { rate.wait(used: used.load(ordering: .relaxed), now: now) }

    /// Whether the bucket is full: nothing that was taken is remembered.
    public borrowing func isFull(now: UInt64) -> Bool { used.load(ordering: .relaxed) <= now * 1_000 }
}
