import Synchronization

/// Whoever several clients of a node have in common: their address, or their user. Counts them together.
///
/// Any thread; a client holds its group for as long as it lives.
public final class ClientGroup: Sendable {
    /// What a group may do on one node; `nil`: as much as it likes.
    public struct Allowance: Sendable, Equatable {
        /// Clients at a time.
        public var connections: Int?
        /// Attempts to become one.
        public var attempts: Rate?
        /// Messages of all its clients.
        public var messages: Rate?
        /// Publications of all its clients.
        public var publications: Rate?
        /// Reads of what its clients missed, as ``ReadCost`` counts publications. Alone it is no reason to know a group.
        public var recoveries: Rate?
        /// Bytes of recovered publications that wait for all its clients. Alone it is no reason to know a group.
        public var recoveryBytes: Int

        public init(
            connections: Int? = nil, attempts: Rate? = nil, messages: Rate? = nil, publications: Rate? = nil,
            recoveries: Rate? = nil, recoveryBytes: Int = .max
        ) {
            self.connections = connections
            self.attempts = attempts
            self.messages = messages
            self.publications = publications
            self.recoveries = recoveries
            self.recoveryBytes = recoveryBytes
        }

        /// Whether nothing is limited, and no group has to be known.
        public var isUnlimited: Bool { self == Allowance(recoveries: recoveries, recoveryBytes: recoveryBytes) }
    }

    /// Microseconds for which an address in debt recovers nothing, at most.
    private static let longestDebt: UInt64 = 2_000_000

    private let allowance: Allowance
    private let taken = Atomic<Int>(0)
    private let attempts: RateMeter
    private let messages: RateMeter
    private let publications: RateMeter
    private let reads: RateMeter
    /// What was recovered for its clients and is not taken by them.
    public let recoveries: ByteBudget

    init(_ allowance: Allowance) {
        self.allowance = allowance
        let any = Rate(perSecond: .max)
        attempts = RateMeter(allowance.attempts ?? any)
        messages = RateMeter(allowance.messages ?? any)
        publications = RateMeter(allowance.publications ?? any)
        reads = RateMeter(allowance.recoveries ?? any)
        recoveries = ByteBudget(limit: allowance.recoveryBytes)
    }

    /// Clients now.
    public var connections: Int { taken.load(ordering: .relaxed) }

    /// Takes a place if there is one; the taker gives it back with ``leave()``.
    public func enter() -> Bool {
        guard taken.add(1, ordering: .relaxed).oldValue < allowance.connections ?? .max else {
            leave()
            return false
        }
        return true
    }

    /// Gives a place back.
    public func leave() { taken.subtract(1, ordering: .relaxed) }

    /// Whether it may try once more to become a client. `now`: microseconds of the monotonic clock.
    public func mayTry(now: UInt64) -> Bool { allowance.attempts == nil || attempts.take(now: now) }

    /// Takes an attempt back: the caller has shown that it may do what it tried.
    public func tried() { if allowance.attempts != nil { attempts.give() } }

    /// Whether something may be read of what one of its clients missed: it is not in debt, and what waits for all has room.
    public func mayRecover(now: UInt64) -> Bool { recoveries.hasRoom && !isInDebt(now: now) }

    /// Whether more was read of what its clients missed than its rate allows.
    public func isInDebt(now: UInt64) -> Bool { allowance.recoveries != nil && reads.wait(now: now) > 0 }

    /// So many publications were read for one of its clients; as many as count as one read are free, for each takes an attempt.
    /// Their bytes are bounded by ``recoveries``. What is under way when the bucket is empty comes on top, so a debt has an end.
    public func recovered(items: Int, now: UInt64) {
        let cost = ReadCost(items: items)
        guard allowance.recoveries != nil, cost.reads > 1 else { return }
        reads.charge(cost.reads - 1, now: now, atMost: Self.longestDebt)
    }

    /// Counts a message of so many commands; microseconds until the next may come, 0: now.
    public func message(commands: Int = 1, now: UInt64) -> UInt64 {
        guard allowance.messages != nil else { return 0 }
        messages.charge(max(1, commands), now: now)
        return messages.wait(now: now)
    }

    /// Counts a publication that can't be refused; microseconds until the next may come, 0: now.
    public func publication(now: UInt64) -> UInt64 {
        guard allowance.publications != nil else { return 0 }
        publications.charge(1, now: now)
        return publications.wait(now: now)
    }

    /// Takes one publication; where there is none to take, the microseconds until there is.
    public func publish(now: UInt64) -> UInt64? {
        guard allowance.publications != nil, !publications.take(now: now) else { return nil }
        return max(1, publications.wait(now: now))
    }

    /// Whether a new group would be just the same, so that this one can be forgotten.
    func isForgettable(now: UInt64) -> Bool {
        connections == 0 && attempts.isFull(now: now) && messages.isFull(now: now) && publications.isFull(now: now)
            && reads.isFull(now: now)
    }
}
