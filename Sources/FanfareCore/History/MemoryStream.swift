import FanfareWire
import NIOCore

/// A channel's history in memory: the newest publications, bounded by number and age.
struct MemoryStream {
    private struct Entry {
        let publication: Publication
        /// Microseconds of the monotonic clock.
        let at: UInt64
    }

    let epoch: String
    private(set) var offset: UInt64 = 0
    /// When it was last used.
    private(set) var usedAt: UInt64
    private var entries = CircularBuffer<Entry>()

    init(epoch: String, now: UInt64) {
        self.epoch = epoch
        usedAt = now
    }

    var position: StreamPosition { StreamPosition(offset: offset, epoch: epoch) }

    /// The position for a subscriber, who may come back with it: the stream is kept from here on.
    mutating func open(_ now: UInt64) -> StreamPosition {
        usedAt = now
        return position
    }

    /// Adds a publication and gives it its place.
    mutating func append(_ publication: Publication, retention: ChannelRules.Retention, now: UInt64) -> Publication {
        offset += 1
        var publication = publication
        publication.position = position
        entries.append(Entry(publication: publication, at: now))
        trim(retention, now: now)
        return publication
    }

    mutating func read(_ query: HistoryQuery, retention: ChannelRules.Retention, now: UInt64) -> HistoryPage {
        trim(retention, now: now)
        guard query.limit > 0 else { return HistoryPage(publications: [], position: position) }
        let since = query.since.flatMap { $0.epoch == epoch ? $0.offset : nil }
        let wanted = indices(since, reverse: query.reverse)
        var publications: [Publication] = []
        var bytes = query.maxBytes
        for step in 0..<min(wanted.count, query.limit) where bytes > 0 {
            let place = query.reverse ? wanted.upperBound - 1 - step : wanted.lowerBound + step
            let publication = entries[entries.index(entries.startIndex, offsetBy: place)].publication
            bytes -= publication.size
            publications.append(publication)
        }
        return HistoryPage(
            publications: publications, position: position, isCut: publications.count < wanted.count)
    }

    /// Which entries are beyond `since`: their offsets follow each other, so nothing is searched, for this happens under
    /// the broker's lock.
    private func indices(_ since: UInt64?, reverse: Bool) -> Range<Int> {
        guard let since else { return 0..<entries.count }
        let first = offset - UInt64(entries.count) + 1
        if reverse { return 0..<Int(since <= first ? 0 : min(since - first, UInt64(entries.count))) }
        return Int(since < first ? 0 : min(since - first + 1, UInt64(entries.count)))..<entries.count
    }

    /// Forgets the publications; the position stays.
    mutating func clear() {
        entries = CircularBuffer()
    }

    private mutating func trim(_ retention: ChannelRules.Retention, now: UInt64) {
        usedAt = now
        let age = retention.age.microseconds
        while let oldest = entries.first, entries.count > retention.size || oldest.at + age < now {
            entries.removeFirst()
        }
    }
}
