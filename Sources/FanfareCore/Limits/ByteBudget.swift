import Synchronization

/// Bytes that several clients may have waiting for them together. Any thread.
public final class ByteBudget: Sendable {
    /// Most bytes; a single taker gets what it needs in any case.
    public let limit: Int
    private let taken = Atomic<Int>(0)

    public init(limit: Int) { self.limit = limit }

    /// Bytes that are taken now.
    public var used: Int { taken.load(ordering: .relaxed) }

    /// Whether anything is left.
    public var hasRoom: Bool { used < limit }

    /// Takes bytes, if there are so many or none are taken; the taker gives them back with ``give(_:)``.
    public func take(_ bytes: Int) -> Bool {
        let before = taken.add(bytes, ordering: .relaxed).oldValue
        guard before == 0 || before <= limit - bytes else {
            give(bytes)
            return false
        }
        return true
    }

    /// Gives bytes back.
    public func give(_ bytes: Int) { taken.subtract(bytes, ordering: .relaxed) }
}
