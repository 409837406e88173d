import Synchronization

/// The groups of a node, by address or by user. Asked when clients come, not with what they send; any thread.
///
/// Holds those that have clients, and those whose last deeds are not forgiven yet: no more than come within the seconds in
/// which their buckets fill up again, and as many once more before it looks for those that nobody needs.
public final class ClientGroups<Key: Hashable & Sendable>: Sendable {
    private struct State: Sendable {
        var groups: [Key: ClientGroup] = [:]
        var sweepAt = 256
    }

    private let allowance: ClientGroup.Allowance
    private let state = Mutex(State())

    /// - Parameter allowance: the same for every group.
    public init(_ allowance: ClientGroup.Allowance) { self.allowance = allowance }

    /// Groups that are known now.
    public var count: Int { state.withLock { $0.groups.count } }

    /// The group of that key, for what is over at once. `now`: microseconds of the monotonic clock.
    public func group(_ key: Key, now: UInt64) -> ClientGroup { state.withLock { group(key, now: now, in: &$0) } }

    /// The same, with one of its places taken; `nil`: it has none. Its holder gives it back with `ClientGroup.leave`.
    public func enter(_ key: Key, now: UInt64) -> ClientGroup? {
        state.withLock {
            // Under the lock, so that nobody forgets it in between.
            let group = group(key, now: now, in: &$0)
            return group.enter() ? group : nil
        }
    }

    private func group(_ key: Key, now: UInt64, in state: inout State) -> ClientGroup {
        if let group = state.groups[key] { return group }
        if state.groups.count >= state.sweepAt {
            state.groups = state.groups.filter { !$0.value.isForgettable(now: now) }
            state.sweepAt = max(256, 2 * state.groups.count)
        }
        let group = ClientGroup(allowance)
        state.groups[key] = group
        return group
    }
}
