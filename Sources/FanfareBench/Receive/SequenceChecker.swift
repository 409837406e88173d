/// Judges the sequence numbers that one client sees of its one channel: 0, 1, 2, … without a hole is right.
///
/// 16 bytes per client. The last 64 numbers are remembered one by one, so that a late one and a repeated one differ.
struct SequenceChecker: Equatable {
    /// What a number is.
    enum Verdict: Equatable {
        /// The one that was expected.
        case next
        /// It came too early: so many before it are missing.
        case skipped(Int)
        /// It was missing and comes after a later one.
        case late
        /// It was here before.
        case repeated
    }

    private var expected: UInt32 = 0
    /// Bit n: whether `expected` - 1 - n came.
    private var window: UInt64 = 0

    mutating func note(_ sequence: UInt32) -> Verdict {
        if sequence == expected {
            expected &+= 1
            window = window << 1 | 1
            return .next
        }
        if sequence > expected {
            let skipped = sequence - expected
            // A shift by the width or more would keep nothing either.
            window = skipped >= 63 ? 1 : window << UInt64(skipped + 1) | 1
            expected = sequence &+ 1
            return .skipped(Int(skipped))
        }
        let age = expected - 1 - sequence
        // Beyond memory: a backlog of that age is more likely a repetition by a reconnecting publisher or server.
        guard age < 64 else { return .repeated }
        let bit = UInt64(1) << UInt64(age)
        guard window & bit == 0 else { return .repeated }
        window |= bit
        return .late
    }
}
