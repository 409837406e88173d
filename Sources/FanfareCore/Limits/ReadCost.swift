import FanfareWire

/// What a read brought: bytes and publications or members. Small ones cost the broker as much as big ones, and an answer that was
/// too much for its client cost what it would have been, so neither bytes nor replies alone say what a read was.
public struct ReadCost: Sendable, Equatable {
    /// Bytes of publications or members, with what stands around each.
    public var bytes: Int
    /// Publications or members.
    public var items: Int

    public init(bytes: Int = 0, items: Int = 0) {
        self.bytes = bytes
        self.items = items
    }

    /// A page of a history, entries that could not be read included.
    public init(_ page: HistoryPage) {
        self.init(page.publications)
        items += page.unreadable
    }

    public init(_ publications: [Publication]) {
        self.init(
            bytes: publications.reduce(0) { $0 + $1.size + Self.overhead }, items: publications.count)
    }

    /// Who is in a channel.
    public init(_ page: PresencePage) {
        self.init(bytes: page.bytes, items: page.members.count)
    }

    /// As how many reads it counts: one for each started ``ClientRates/readBytes`` or ``ClientRates/readItems``, whichever are
    /// more, and never less than one.
    public var reads: Int {
        func parts(_ count: Int, of size: Int) -> Int { (max(0, count - 1)) / size + 1 }
        return max(parts(bytes, of: ClientRates.readBytes), parts(items, of: ClientRates.readItems))
    }

    /// The more of each.
    public func orMore(_ other: ReadCost) -> ReadCost {
        ReadCost(bytes: max(bytes, other.bytes), items: max(items, other.items))
    }
}
