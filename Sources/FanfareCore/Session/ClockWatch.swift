/// Finds out that the wall clock was set: it and the monotonic clock, which nobody sets, have drifted apart.
///
/// Pure: the loop's wheel asks it every tick.
public struct ClockWatch: Sendable {
    /// How far the clocks may drift apart, in microseconds, before the wall clock counts as set. Above what NTP corrects in an
    /// hour without a jump (500 ppm: 1.8 s), and below what the grace of a token forgives.
    public static let tolerance: Int64 = 2_000_000

    /// Wall clock minus monotonic clock when they were last in agreement, microseconds.
    private var offset: Int64?

    public init() {}

    /// By how many microseconds the wall clock was set since the last time that this said so; `nil`: it was not.
    public mutating func step(wall: UInt64, monotonic: UInt64) -> Int64? {
        let now = Int64(clamping: wall).subtractingClamped(Int64(clamping: monotonic))
        guard let before = offset else {
            offset = now
            return nil
        }
        let drift = now.subtractingClamped(before)
        guard drift.magnitude > UInt64(Self.tolerance) else { return nil }
        offset = now
        return drift
    }
}
