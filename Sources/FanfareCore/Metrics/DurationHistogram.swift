import Synchronization

/// Durations in fixed buckets from 50 µs to 10 s, as Prometheus wants them. One thread records, or all do with
/// ``recordShared(microseconds:)``; any thread reads.
public final class DurationHistogram: @unchecked Sendable {
    /// Upper bounds of the buckets in microseconds; one more bucket has no bound.
    public static let boundsMicroseconds: [Int] = [
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000,
    ]

    /// Values of one moment; adds up over event loops.
    public struct Snapshot: Sendable, Equatable {
        /// Recordings per bucket, not cumulative; the last one is above every bound.
        public var buckets = [Int](repeating: 0, count: DurationHistogram.boundsMicroseconds.count + 1)
        /// Sum of all recordings in microseconds.
        public var sumMicroseconds = 0

        public init() {}

        public static func += (lhs: inout Snapshot, rhs: Snapshot) {
            for index in lhs.buckets.indices { lhs.buckets[index] += rhs.buckets[index] }
            lhs.sumMicroseconds += rhs.sumMicroseconds
        }
    }

    // `@unchecked`: the pointer is set once and its memory lives as long as self; all access is atomic.
    private let cells: UnsafeMutablePointer<Atomic<Int>>
    private static var cellCount: Int { boundsMicroseconds.count + 2 }

    public init() {
        cells = .allocate(capacity: Self.cellCount)
        for index in 0..<Self.cellCount { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: Self.cellCount)
        cells.deallocate()
    }

    /// Records `count` equal durations; negative ones (clocks of two nodes) count as zero. The owning thread only.
    public func record(microseconds: Int, count: Int = 1) {
        let value = max(0, microseconds)
        let bucket = Self.boundsMicroseconds.firstIndex { value <= $0 } ?? Self.boundsMicroseconds.count
        add(bucket, count)
        add(Self.cellCount - 1, value &* count)
    }

    /// The same from any thread.
    public func recordShared(microseconds: Int) {
        let value = max(0, microseconds)
        let bucket = Self.boundsMicroseconds.firstIndex { value <= $0 } ?? Self.boundsMicroseconds.count
        cells[bucket].wrappingAdd(1, ordering: .relaxed)
        cells[Self.cellCount - 1].wrappingAdd(value, ordering: .relaxed)
    }

    /// The values now. Any thread.
    public func snapshot() -> Snapshot {
        var snapshot = Snapshot()
        for index in snapshot.buckets.indices { snapshot.buckets[index] = cells[index].load(ordering: .relaxed) }
        snapshot.sumMicroseconds = cells[Self.cellCount - 1].load(ordering: .relaxed)
        return snapshot
    }

    private func add(_ index: Int, _ amount: Int) {
        let cell = cells + index
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
