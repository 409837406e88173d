import FanfareWire
import NIOCore

/// The subscribers of one channel on one event loop that have a lead of their own before what they share. A channel without
/// any has none of this.
///
/// Lists are by wire format and length of leads: the header of a frame counts lead and body, so it is the same for all of a
/// list, and leads stand one behind the other in one array. For a delivery only the leads' place is looked up.
final class PersonalSubscribers<Member: HubMember> {
    typealias Entry = ChannelSlot<Member>.Entry

    /// A publication of this turn.
    struct Frame {
        let headerBytes: Int
        let body: ByteBuffer
    }

    struct List {
        let format: WireFormat
        let leadBytes: Int
        /// Never empty.
        var entries: [Entry] = []
        /// That of each entry.
        var leads: [UInt8] = []
        /// This turn's publications, all of the channel's.
        var frames: [Frame] = []
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

    /// Subscribers in force.
    var count: Int { lists.reduce(0) { $0 + $1.entries.count } }

    /// Adds a subscriber. Returns its index in its list.
    func add(_ entry: Entry, _ format: WireFormat, lead: [UInt8]) -> Int32 {
        let known = lists.firstIndex { $0.format == format && $0.leadBytes == lead.count }
        let list = known ?? lists.count
        if known == nil { lists.append(List(format: format, leadBytes: lead.count)) }
        lists[list].entries.append(entry)
        lists[list].leads += lead
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
        lists.removeLast()
        return nil
    }

    /// The member of a subscriber has this channel at another place now.
    func moved(at index: Int, list: Int, to place: Int32) { lists[list].entries[index].place = place }

    /// Adds a publication to this turn. Returns the bytes of its longest frame.
    func add(_ prepared: PreparedPublication) -> Int {
        var bytes = 0
        for index in lists.indices {
            guard let shared = prepared.personal(lists[index].format) else {
                assertionFailure("a client has a lead for a format without leads")
                continue
            }
            let before = lists[index].headers.readableBytes
            shared.writeHeader(behind: lists[index].leadBytes, into: &lists[index].headers)
            let headerBytes = lists[index].headers.readableBytes - before
            lists[index].frames.append(Frame(headerBytes: headerBytes, body: shared.bytes))
            bytes = max(bytes, headerBytes + lists[index].leadBytes + shared.bytes.readableBytes)
        }
        return bytes
    }

    /// The turn is over.
    func endTurn() {
        for index in lists.indices {
            lists[index].frames.removeAll(keepingCapacity: lists[index].frames.capacity <= 16)
            lists[index].headers.clear()
        }
    }
}
