/// Where the node reads the time from; a test holds its own.
public struct NodeClock: Sendable {
    /// Microseconds since 1970-01-01 UTC, for times that travel between nodes.
    public var wallMicroseconds: @Sendable () -> UInt64
    /// Microseconds of a clock that never goes back, for deadlines and durations.
    public var monotonicMicroseconds: @Sendable () -> UInt64

    public init(
        wallMicroseconds: @escaping @Sendable () -> UInt64,
        monotonicMicroseconds: @escaping @Sendable () -> UInt64
    ) {
        self.wallMicroseconds = wallMicroseconds
        self.monotonicMicroseconds = monotonicMicroseconds
    }
}
