import FanfareWire

/// How much of its mailbox an event loop handles before it sees to its sockets: bytes of publications, and events, so that
/// many small ones and answers that carry no publication have their end, too.
public struct TurnBudget {
    /// What it counts to hold tags against a filter, whether or not the publication passes: each comparison looks through them.
    public static func filterBytes(_ filter: TagFilter, _ tags: PublicationTags) -> Int {
        filter.size * (64 + tags.size)
    }

    /// What it counts to make a delta, however small it is: all bytes of both are looked at.
    public static func deltaBytes(_ base: Publication, _ target: Publication) -> Int {
        let (base, target) = (base.payload.bytes.readableBytes, target.payload.bytes.readableBytes)
        return max(base, target) <= FossilDelta.maximumBytes ? base + target : 0
    }

    private var bytesLeft = TurnBudget.bytes
    private var eventsLeft = TurnBudget.events

    public init() {}

    /// Whether the sockets come next.
    public var isSpent: Bool { bytesLeft <= 0 || eventsLeft <= 0 }

    public mutating func spend(events: Int = 1) { eventsLeft -= events }
    public mutating func spend(bytes: Int) { bytesLeft -= bytes }
}
