/// When what happens to a member, as shares of its time to live.
public struct PresenceTiming: Sendable, Equatable {
    /// From a member's last refresh to its end.
    public let ttl: Duration

    public init(ttl: Duration) { self.ttl = ttl }

    /// Between two refreshes: one may fail.
    public var refresh: Duration { ttl * 2 / 5 }
    /// How long nodes wait at random after a member's end, so that mostly one of them finds it.
    public var reapSpread: Duration { ttl / 6 }
    /// Between two tries of something that the broker did not do.
    public var retry: Duration { ttl / 20 }
    /// For how long it is remembered that a member's end was announced: a node that comes back later than this, and had
    /// kept its clients, brings them back without a join.
    public var memory: Duration { ttl * 10 }
}
