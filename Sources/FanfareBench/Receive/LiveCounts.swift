import Synchronization

/// What one event loop's clients have seen so far: written by that loop only, read by anyone (relaxed atomics).
final class LiveCounts: Sendable {
    /// Clients that listen now.
    let connected = Atomic<Int>(0)
    /// Clients that could not connect.
    let refused = Atomic<Int>(0)
    /// Clients that ended though nobody wanted it.
    let lost = Atomic<Int>(0)
    /// Publications of this run that came, repeated ones too.
    let received = Atomic<Int>(0)
    /// Numbers left out so far, less those that came late.
    let missing = Atomic<Int>(0)

    /// Adds to a counter; only on its event loop.
    @inline(__always)
    static func add(_ count: Int, to counter: borrowing Atomic<Int>) {
        counter.store(counter.load(ordering: .relaxed) &+ count, ordering: .relaxed)
    }
}

extension Sequence<LiveCounts> {
    /// A counter over all event loops.
    func sum(_ value: (LiveCounts) -> Int) -> Int { reduce(0) { $0 + value($1) } }
}
