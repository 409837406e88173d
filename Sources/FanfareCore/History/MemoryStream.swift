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
        let kept = entries.lazy.map(\.publication)
        let since = query.since.flatMap { $0.epoch == epoch ? $0.offset : nil }
        var found: [Publication] = []
        if query.limit > 0 {
            let wanted = kept.filter { publication in
                guard let since else { return true }
                let offset = publication.position?.offset ?? 0
                return query.reverse ? offset < since : offset > since
            }
            found = query.reverse ? Array(wanted).reversed() : Array(wanted)
        }
        let page = Self.cut(found, query.limit)
        return HistoryPage(publications: Array(page), position: position, isCut: page.count < found.count)
    }

    private static func cut(_ found: [Publication], _ limit: Int) -> ArraySlice<Publication> {
        var bytes = HistoryPage.maximumBytes
        return found.prefix(limit).prefix { publication in
            defer { bytes -= publication.payload.bytes.readableBytes }
            return bytes > 0
        }
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
