import FanfareWire
import NIOCore

/// The subscribers of one channel on one event loop that have a lead of their own before what they share. A channel without
/// any has none of this.
///
/// Lists are by wire format and length of leads: the header of a frame counts lead and body, so it is the same for all of a
/// list, and leads stand one behind the other in one array. For a delivery only the leads' place is looked up. Those that write a
/// lead for each delivery are a list of each format, and have headers of their own as well.
final class PersonalSubscribers<Member: HubMember> {
    typealias Entry = ChannelSlot<Member>.Entry

    /// A publication of this turn.
    struct Frame {
        let headerBytes: Int
        let body: ByteBuffer
    }

    /// A publication of this turn for those that write their own leads.
    struct Unwritten {
        let publication: Publication
        let body: PersonalBody
    }

    struct List {
        let format: WireFormat
        /// 0 where ``isWritten``.
        let leadBytes: Int
        /// Whether each of these writes a lead for each delivery.
        let isWritten: Bool
        /// Whether the format is one that clients make, of which a channel has only so many.
        let isInterned: Bool
        /// Never empty.
        var entries: [Entry] = []
        /// That of each entry.
        var leads: [UInt8] = []
        /// This turn's publications, all of the channel's.
        var frames: [Frame] = []
        /// The same where ``isWritten``.
        var unwritten: [Unwritten] = []
        /// What comes before the lead in each of them.
        var headers = ByteBuffer()

        /// The lead of an entry.
        func lead(_ index: Int) -> ArraySlice<UInt8> { leads[index * leadBytes..<(index + 1) * leadBytes] }

        /// Gives an entry's frames in order.
        func forEachFrame(of index: Int, _ body: (_ number: Int, _ frame: SplitFrame) -> Void) {
            var headers = headers
            for (number, frame) in frames.enumerated() {
                var head = ByteBuffer()
                head.reserveCapacity(frame.headerBytes + leadBytes)
                if let header = headers.readSlice(length: frame.headerBytes) { head.writeImmutableBuffer(header) }
                head.writeBytes(lead(index))
                body(number, SplitFrame(head: head, body: frame.body))
            }
        }
    }

    /// Never empty outside of the slot's own methods.
    private(set) var lists: [List] = []
    /// Formats that clients make. Nearly always none.
    private var interned: [WireFormat: Made] = [:]

    /// A format that clients make.
    private struct Made {
        /// For whom it came into the channel.
        let maker: FormatMaker
        var lists: Int
    }

    /// Subscribers in force.
    var count: Int { lists.reduce(0) { $0 + $1.entries.count } }

    /// Adds a subscriber. Returns its index in its list.
    ///
    /// - Parameter maker: for whom, where the format is one that clients make.
    func add(_ entry: Entry, _ format: WireFormat, lead: Lead, maker: FormatMaker?) -> Int32 {
        let (bytes, isWritten): ([UInt8], Bool) =
            switch lead {
            case .fixed(let bytes): (bytes, false)
            case .written: ([], true)
            }
        let known = lists.firstIndex {
            $0.format == format && $0.leadBytes == bytes.count && $0.isWritten == isWritten
        }
        let list = known ?? lists.count
        if known == nil {
            lists.append(
                List(format: format, leadBytes: bytes.count, isWritten: isWritten, isInterned: maker != nil))
            if let maker { interned[format, default: Made(maker: maker, lists: 0)].lists += 1 }
        }
        lists[list].entries.append(entry)
        lists[list].leads += bytes
        return Int32(lists[list].entries.count - 1)
    }

    /// Removes a subscriber. Returns the one that takes its index.
    func remove(at index: Int, list: Int) -> Entry? {
        let (last, bytes) = (lists[list].entries.count - 1, lists[list].leadBytes)
        if index < last {
            lists[list].entries[index] = lists[list].entries[last]
            for offset in 0..<bytes {
                lists[list].leads[index * bytes + offset] = lists[list].leads[last * bytes + offset]
            }
        }
        lists[list].entries.removeLast()
        lists[list].leads.removeLast(bytes)
        guard lists[list].entries.isEmpty else { return index < last ? lists[list].entries[index] : nil }
        lists.swapAt(list, lists.count - 1)
        let gone = lists.removeLast()
        if gone.isInterned, let left = interned[gone.format]?.lists {
            interned[gone.format]?.lists = left - 1
            if left == 1 { interned[gone.format] = nil }
        }
        return nil
    }

    /// Whether a format that clients make is one of the channel's, or may become one.
    func hasRoom(for format: WireFormat, by maker: FormatMaker) -> Bool {
        guard interned.count >= HubShard<Member>.freeFormats, interned[format] == nil else { return true }
        guard interned.count < HubShard<Member>.maximumFormats else { return false }
        return interned.values.count { $0.maker == maker } < HubShard<Member>.formatsOfMaker
    }

    /// What a publication costs beyond what is sent of it, as ``TurnBudget`` counts bytes: it is written once for each such format.
    private func work(_ prepared: PreparedPublication) -> Int {
        guard interned.count > 1 else { return 0 }
        let written = interned.keys.reduce(0) { $0 + (prepared.personal($1)?.bytes.readableBytes ?? 0) }
        return max(0, written - prepared.publication.payload.bytes.readableBytes)
    }

    /// The member of a subscriber has this channel at another place now.
    func moved(at index: Int, list: Int, to place: Int32) { lists[list].entries[index].place = place }

    /// Adds a publication to this turn. Returns the bytes of its longest frame, and what it costs beyond what is sent.
    func add(_ prepared: PreparedPublication) -> (frame: Int, work: Int) {
        var bytes = 0
        for index in lists.indices {
            guard let shared = prepared.personal(lists[index].format) else {
                assertionFailure("a client has a lead for a format without leads")
                continue
            }
            guard !lists[index].isWritten else {
                lists[index].unwritten.append(Unwritten(publication: prepared.publication, body: shared))
                bytes = max(bytes, shared.bytes.readableBytes + Self.writtenHeadBytes)
                continue
            }
            let before = lists[index].headers.readableBytes
            shared.writeHeader(behind: lists[index].leadBytes, into: &lists[index].headers)
            let headerBytes = lists[index].headers.readableBytes - before
            lists[index].frames.append(Frame(headerBytes: headerBytes, body: shared.bytes))
            bytes = max(bytes, headerBytes + lists[index].leadBytes + shared.bytes.readableBytes)
        }
        return (bytes, work(prepared))
    }

    /// Bytes of a head that is not written yet, about.
    private static var writtenHeadBytes: Int { 64 }

    /// The turn is over.
    func endTurn() {
        for index in lists.indices {
            lists[index].unwritten.removeAll(keepingCapacity: lists[index].unwritten.capacity <= 16)
            lists[index].frames.removeAll(keepingCapacity: lists[index].frames.capacity <= 16)
            lists[index].headers.clear()
        }
    }
}
