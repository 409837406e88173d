/// A moment on both clocks of a node, in whole seconds: what the life of tokens is counted in.
public struct TokenTime: Sendable, Equatable {
    /// Since 1970, by the wall clock: what tokens speak of. It may be set.
    public var wall: Int64
    /// By a clock that nobody sets and that never goes back.
    public var monotonic: Int64

    public init(wall: Int64, monotonic: Int64) {
        self.wall = wall
        self.monotonic = monotonic
    }
}

extension NodeClock {
    /// The present.
    public var tokenTime: TokenTime {
        TokenTime(
            wall: Int64(clamping: wallMicroseconds() / 1_000_000),
            monotonic: Int64(clamping: monotonicMicroseconds() / 1_000_000))
    }
}

/// When what a token opened has to end.
///
/// By the wall clock, as the token says; and in any case when as much time has passed as the token had left when it was
/// accepted. So a clock that is set back gives nobody more time, and one that is set forward ends what has expired by now.
public struct TokenExpiry: Sendable, Equatable {
    /// Seconds since 1970.
    public let at: Int64
    /// The second of the monotonic clock after which nothing is left.
    private let latest: Int64

    /// - Parameters:
    ///   - at: seconds since 1970; any, also of a time that has passed.
    ///   - now: when the token was accepted.
    public init(_ at: Int64, acceptedAt now: TokenTime) {
        self.at = at
        // Both clocks are cut to seconds, at different moments: without one more the token might end before its time.
        latest = now.monotonic.addingClamped(max(0, at.subtractingClamped(now.wall))).addingClamped(1)
    }

    /// Seconds that are left; 0 and below: none.
    public func left(_ now: TokenTime) -> Int64 {
        min(at.subtractingClamped(now.wall), latest.subtractingClamped(now.monotonic))
    }

    /// Seconds left, as a client is told them: at least one.
    public func ttl(_ now: TokenTime) -> UInt32 { UInt32(clamping: max(1, at.subtractingClamped(now.wall))) }
}

extension Int64 {
    /// The sum, or the number next to it that can be had.
    public func addingClamped(_ other: Int64) -> Int64 {
        let (sum, isBeyond) = addingReportingOverflow(other)
        return isBeyond ? (other < 0 ? .min : .max) : sum
    }

    /// The difference, or the number next to it that can be had.
    public func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, isBeyond) = subtractingReportingOverflow(other)
        return isBeyond ? (other < 0 ? .max : .min) : difference
    }
}
