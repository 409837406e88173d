import Synchronization

/// The parties of a node, by address or by user. Asked when clients come, not with what they send; any thread.
///
/// Holds those that have clients, and those whose last deeds are not forgiven yet: no more than come within the seconds in
/// which their buckets fill up again, and as many once more before it looks for those that nobody needs.
public final class Census<Key: Hashable & Sendable>: Sendable {
    private struct Book: Sendable {
        var parties: [Key: Party] = [:]
        var sweepAt = 256
    }

    private let allowance: Party.Allowance
    private let book = Mutex(Book())

    /// - Parameter allowance: the same for every party.
    public init(_ allowance: Party.Allowance) { self.allowance = allowance }

    /// Parties that are known now.
    public var count: Int { book.withLock { $0.parties.count } }

    /// The party of that key, for what is over at once. `now`: microseconds of the monotonic clock.
    public func party(_ key: Key, now: UInt64) -> Party { book.withLock { party(key, now: now, in: &$0) } }

    /// The same, with one of its places taken; `nil`: it has none. Its holder gives it back with `Party.leave`.
    public func enter(_ key: Key, now: UInt64) -> Party? {
        book.withLock {
            // Under the lock, so that nobody forgets it in between.
            let party = party(key, now: now, in: &$0)
            return party.enter() ? party : nil
        }
    }

    private func party(_ key: Key, now: UInt64, in book: inout Book) -> Party {
        if let party = book.parties[key] { return party }
        if book.parties.count >= book.sweepAt {
            book.parties = book.parties.filter { !$0.value.isForgettable(now: now) }
            book.sweepAt = max(256, 2 * book.parties.count)
        }
        let party = Party(allowance)
        book.parties[key] = party
        return party
    }
}
