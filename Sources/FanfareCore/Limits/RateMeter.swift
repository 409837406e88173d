import Synchronization

/// Lets so many things happen in a second, in one atomic step: a token bucket, kept as the time until which it is used up
/// (the generic cell rate algorithm). A burst may have what a second gives. Any thread.
public final class RateMeter: Sendable {
    private static let second: UInt64 = 1_000_000_000

    /// When everything that was let through would have gone at the even rate; nanoseconds.
    private let usedUntil = Atomic<UInt64>(0)
    private let step: UInt64

    /// - Parameter perSecond: at least 1.
    public init(perSecond: Int) { step = Self.second / UInt64(max(1, perSecond)) }

    /// Whether one more may happen now.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    public func take(now: UInt64) -> Bool {
        let now = now * 1_000
        var used = usedUntil.load(ordering: .relaxed)
        while true {
            let next = max(used, now) + step
            guard next <= now + max(Self.second, step) else { return false }
            let (isDone, current) = usedUntil.weakCompareExchange(expected: used, desired: next, ordering: .relaxed)
            if isDone { return true }
            used = current
        }
    }
}
