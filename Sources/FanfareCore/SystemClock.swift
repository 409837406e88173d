#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension NodeClock {
    /// The machine's clocks.
    public static let system = NodeClock(
        wallMicroseconds: { microseconds(CLOCK_REALTIME) },
        monotonicMicroseconds: { microseconds(CLOCK_MONOTONIC) }
    )

    private static func microseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000 &+ UInt64(time.tv_nsec) / 1_000
    }
}
