import Synchronization

/// A row of counters, one per case of `Name`, that any thread may read at any time.
///
/// Two ways to count: ``add(_:_:)`` for the one thread that owns the block (a load and a store, no locked
/// instruction), ``addShared(_:_:)`` where several threads count. Never mix them on one block.
public final class CounterBlock<Name: CaseIterable & RawRepresentable & Sendable>: @unchecked Sendable
where Name.RawValue == Int {
    // `@unchecked`: the pointer is set once and its memory lives as long as the block; all access is atomic.
    private let cells: UnsafeMutablePointer<Atomic<Int>>
    private let count = Name.allCases.count

    public init() {
        cells = .allocate(capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: count)
        cells.deallocate()
    }

    /// Adds to a counter or gauge. The owning thread only.
    @inline(__always)
    public func add(_ name: Name, _ amount: Int = 1) {
        let cell = cells + name.rawValue
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Adds to a counter or gauge. Any thread.
    public func addShared(_ name: Name, _ amount: Int = 1) {
        (cells + name.rawValue).pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Sets a gauge. The owning thread only.
    public func set(_ name: Name, _ value: Int) {
        (cells + name.rawValue).pointee.store(value, ordering: .relaxed)
    }

    /// The value now. Any thread.
    public func value(_ name: Name) -> Int {
        (cells + name.rawValue).pointee.load(ordering: .relaxed)
    }
}
