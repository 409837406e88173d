import Synchronization

/// When something that a stranger can make happen as often as he likes is logged: once a minute. Any thread.
final class SparseLog: Sendable {
    /// Microseconds between two lines.
    private static let interval: UInt64 = 60_000_000

    /// When it was told last, microseconds; 0: never.
    private let toldAt = Atomic<UInt64>(0)

    /// Whether to log now, and then not for a while. `now`: microseconds of the monotonic clock.
    func isDue(now: UInt64) -> Bool {
        let told = toldAt.load(ordering: .relaxed)
        guard told == 0 || now > told + Self.interval else { return false }
        return toldAt.compareExchange(expected: told, desired: max(1, now), ordering: .relaxed).exchanged
    }
}
