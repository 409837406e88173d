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

    /// Bytes of publications in one page, about: it leaves as one message.
    public static let maximumBytes = 4_194_304

    /// In the order that was asked for, with their positions.
    public var publications: [Publication]
    /// Where the stream ends.
    public var position: StreamPosition
    public var leaps: [Leap]
    /// Whether there was more than the limit of the query.
    public var isCut: Bool

    public init(publications: [Publication], position: StreamPosition, leaps: [Leap] = [], isCut: Bool = false) {
        self.publications = publications
        self.position = position
        self.leaps = leaps
        self.isCut = isCut
    }

    /// Whether that place was never in this stream, but in one before it. An empty epoch is the stream's, whichever it is.
    public func isOfAnother(_ place: StreamPosition?) -> Bool {
        guard let place, !place.epoch.isEmpty else { return false }
        return place.epoch != position.epoch
    }

    /// The publications of this page after `place`, which is not before the query's; `nil` when the stream does not hold
    /// all of them any more, or never knew that place. What the limit cut off is not missed: see ``isCut``.
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
        guard start < publications.count, let first = publications[start].position?.offset else {
            return isCut || place.offset == position.offset ? publications.count : nil
        }
        return follows(first, place.offset) ? start : nil
    }

    /// Whether nothing is between two offsets.
    public func follows(_ offset: UInt64, _ earlier: UInt64) -> Bool {
        offset > earlier && offset - earlier == 1 || leaps.contains { $0.last == earlier && $0.next == offset }
    }
}
