/// What was ever seen of one life of one channel's stream, whoever saw it: offset by offset, which publication.
///
/// No client has to see everything for it to be complete: what one client got and another that should have did not is a
/// loss. What nobody got is found by the publishers' acknowledgements.
struct ChannelLog {
    /// What an offset turned out to be.
    enum Note: Equatable {
        /// Nobody had seen it.
        case new
        /// Others have seen the same.
        case known
        /// Others have seen another publication there.
        case conflict(PublicationID)
        /// The same publication has another offset, too.
        case duplicate(UInt64)
    }

    /// Offsets in a row. They leap by a million where Redis came back: a block of its own.
    private struct Block {
        let first: UInt64
        var ids: [PublicationID?]
        var end: UInt64 { first + UInt64(ids.count) }
    }

    /// Offsets farther apart than this are in two blocks.
    private static let reach: UInt64 = 100_000

    /// In order.
    private var blocks: [Block] = []
    private var places: [PublicationID: UInt64] = [:]

    /// The last offset that was seen.
    private(set) var last: UInt64 = 0
    var count: Int { places.count }

    subscript(offset: UInt64) -> PublicationID? {
        guard let block = blocks.last(where: { $0.first <= offset }), offset < block.end else { return nil }
        return block.ids[Int(offset - block.first)]
    }

    func offset(of id: PublicationID) -> UInt64? { places[id] }

    mutating func note(_ id: PublicationID, at offset: UInt64) -> Note {
        if let there = self[offset] { return there == id ? .known : .conflict(there) }
        set(id, at: offset)
        last = max(last, offset)
        if let other = places[id] { return .duplicate(other) }
        places[id] = offset
        return .new
    }

    /// What was seen between two offsets, both excluded.
    func between(_ after: UInt64, _ before: UInt64) -> [(offset: UInt64, id: PublicationID)] {
        var found: [(UInt64, PublicationID)] = []
        for block in blocks where block.end > after + 1 && block.first < before {
            let start = max(block.first, after + 1)
            let end = min(block.end, before)
            guard start < end else { continue }
            for offset in start..<end {
                if let id = block.ids[Int(offset - block.first)] { found.append((offset, id)) }
            }
        }
        return found
    }

    /// Everything in order.
    func forEach(_ body: (UInt64, PublicationID) -> Void) {
        for block in blocks {
            for (index, id) in block.ids.enumerated() {
                if let id { body(block.first + UInt64(index), id) }
            }
        }
    }

    private mutating func set(_ id: PublicationID, at offset: UInt64) {
        // Nearly always the last block.
        if let index = blocks.lastIndex(where: { $0.first <= offset && offset < $0.end + Self.reach }) {
            let missing = Int(offset) - Int(blocks[index].end) + 1
            if missing > 0 { blocks[index].ids += [PublicationID?](repeating: nil, count: missing) }
            blocks[index].ids[Int(offset - blocks[index].first)] = id
            return
        }
        let block = Block(first: offset, ids: [id])
        let index = blocks.firstIndex { $0.first > offset } ?? blocks.count
        blocks.insert(block, at: index)
    }
}
