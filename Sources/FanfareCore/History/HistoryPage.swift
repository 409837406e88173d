import FanfareWire

/// What a read of a channel's history gave, all at one moment.
public struct HistoryPage: Sendable, Equatable {
    /// Offsets that never were: after Redis came back, perhaps without its last publications, the stream goes on far
    /// behind everything that was ever given out, so that no offset means two publications.
    public struct Leap: Sendable, Equatable {
        /// The last offset before.
        public var last: UInt64
        /// The next that was given out.
        public var next: UInt64

        public init(last: UInt64, next: UInt64) {
            self.last = last
            self.next = next
        }
    }

    /// In the order that was asked for, with their positions.
    public var publications: [Publication]
    /// Where the stream ends.
    public var position: StreamPosition
    public var leaps: [Leap]
    /// Whether there was more than the limit of the query.
    public var isCut: Bool
    /// Entries that were left out because this node can't read them: a newer envelope, or nothing of ours. Their offsets are
    /// missing between those of ``publications``.
    public var unreadable: Int
    /// Fields of ``publications`` that this node does not know or can't read, and that they are without.
    public var skippedFields: Int

    public init(
        publications: [Publication], position: StreamPosition, leaps: [Leap] = [], isCut: Bool = false,
        unreadable: Int = 0, skippedFields: Int = 0
    ) {
        self.publications = publications
        self.position = position
        self.leaps = leaps
        self.isCut = isCut
        self.unreadable = unreadable
        self.skippedFields = skippedFields
    }

    /// Whether that place was never in this stream, but in one before it. An empty epoch is the stream's, whichever it is.
    public func isOfAnother(_ place: StreamPosition?) -> Bool {
        guard let place, !place.epoch.isEmpty else { return false }
        return place.epoch != position.epoch
    }

    /// The publications of this page after `place`, each of which follows the one before, up to the end of the stream or to
    /// where the limit cut the page (``isCut``); `nil` when one of them is missing: the stream does not hold it any more, it
    /// can't be read, or the stream never knew that place.
    ///
    /// A page that is cut has something new or is `nil`: whoever reads on after it gets on.
    public func publications(after place: StreamPosition) -> [Publication]? {
        guard let start = start(after: place) else { return nil }
        return Array(publications[start...])
    }

    /// Whether this page has all publications after `place`, as far as the limit goes.
    func holds(everythingAfter place: StreamPosition) -> Bool { start(after: place) != nil }

    /// Index of the first publication after `place`; `nil` where something is missing before it.
    private func start(after place: StreamPosition) -> Int? {
        guard place.epoch == position.epoch, place.offset <= position.offset,
            !leaps.contains(where: { $0.last < place.offset && place.offset < $0.next })
        else { return nil }
        var (start, end) = (0, publications.count)
        while start < end {
            let middle = (start + end) / 2
            if publications[middle].position?.offset ?? 0 > place.offset { end = middle } else { start = middle + 1 }
        }
        var last = place.offset
        for publication in publications[start...] {
            guard let offset = publication.position?.offset, follows(offset, last) else { return nil }
            last = offset
        }
        guard isCut ? last > place.offset : last == position.offset else { return nil }
        return start
    }

    /// Whether nothing is between two offsets.
    public func follows(_ offset: UInt64, _ earlier: UInt64) -> Bool {
        offset > earlier && offset - earlier == 1 || leaps.contains { $0.last == earlier && $0.next == offset }
    }
}
