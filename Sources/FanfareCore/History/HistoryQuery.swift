import FanfareWire

/// What to read from a channel's history.
public struct HistoryQuery: Sendable, Equatable {
    /// Publications after this place (with `reverse`: before it); `nil`: from the beginning (from the end).
    public var since: StreamPosition?
    /// Most publications; 0: only the stream's position.
    public var limit: Int
    /// Newest first.
    public var reverse: Bool
    /// Most bytes of publications, but for the last of them.
    public var maxBytes: Int

    public init(
        since: StreamPosition? = nil, limit: Int, reverse: Bool = false, maxBytes: Int = HistoryPage.maximumBytes
    ) {
        self.since = since
        self.limit = limit
        self.reverse = reverse
        self.maxBytes = maxBytes
    }

    /// The limit that a client asked for, within what it may have; below zero it asks for all of that.
    public static func limit(_ asked: Int, within most: Int) -> Int { asked < 0 ? most : min(asked, most) }

    /// Only where the stream ends.
    public static let position = HistoryQuery(limit: 0)
}

/// What a publish came to.
public struct PublishReceipt: Sendable, Equatable {
    /// The publication's place in the stream; `nil` in a channel without history.
    public var position: StreamPosition?
    /// Whether another publish with the same idempotency key came before: nothing was published now.
    public var isDuplicate: Bool
    /// In a reserved channel, how many nodes heard it, where the broker knows that; else `nil`.
    public var receivers: Int?

    public init(position: StreamPosition? = nil, isDuplicate: Bool = false, receivers: Int? = nil) {
        self.position = position
        self.isDuplicate = isDuplicate
        self.receivers = receivers
    }
}
