import Synchronization

/// Counts the node's sessions against its limit in one atomic step, so that two loops can't both take the last place.
public final class Admission: Sendable {
    /// Most sessions at a time.
    public let limit: Int
    private let taken = Atomic<Int>(0)

    public init(limit: Int) { self.limit = limit }

    /// Sessions now. Any thread.
    public var count: Int { taken.load(ordering: .relaxed) }

    /// Takes a place if there is one; the taker gives it back with ``leave()``. Any thread.
    public func enter() -> Bool {
        guard taken.add(1, ordering: .relaxed).oldValue < limit else {
            leave()
            return false
        }
        return true
    }

    /// Gives a place back. Any thread.
    public func leave() { taken.subtract(1, ordering: .relaxed) }
}
