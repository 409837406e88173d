import FanfareWire
import NIOCore

/// Deliveries to subscribers that write a lead for each of them: the member is asked in the order in which it hears, right
/// before the bytes leave or wait.
extension HubShard {
    /// One call to the kernel for each subscriber whose lane is open: head and body of each frame. Returns how many they got.
    func sendWritten(
        _ list: PersonalSubscribers<Member>.List, of slot: ChannelSlot<Member>, except omitted: [(Int, Int)]
    ) -> Int {
        var (deliveries, writes, bytes) = (0, 0, 0)
        // Taken out while members are asked: whatever they do, nobody else writes to it.
        var heads = WrittenHeads()
        swap(&heads, &writtenHeads)
        defer { swap(&heads, &writtenHeads) }
        for index in list.entries.indices where !omitted.contains(where: { $0.0 == index }) {
            let entry = list.entries[index]
            guard let lane = lanes[entry.lane] else {
                deliveries &+= give(list, index, of: slot, except: [])
                continue
            }
            let member = entry.member.takeUnretainedValue()
            heads.write(list.unwritten, for: member, request: request(of: entry))
            guard heads.count > 0 else { continue }
            deliveries &+= heads.count
            let sent = heads.send(list.unwritten, through: lane)
            if sent == heads.bytes {
                writes &+= 1
                bytes &+= sent
            } else {
                var left = sent
                heads.forEachFrame(list.unwritten) { frame in
                    member.sent(left < 0 ? left : min(left, frame.readableBytes), of: frame)
                    if left > 0 { left = max(0, left - frame.readableBytes) }
                }
            }
        }
        metrics.counters.add(.deliveryWrites, writes)
        metrics.counters.add(.bytesSent, bytes)
        return deliveries
    }

    /// As ``give(_:_:of:except:)`` to one that writes its leads. Where the newest is enough, it is asked for that one only.
    func giveWritten(
        _ list: PersonalSubscribers<Member>.List, _ index: Int, of slot: ChannelSlot<Member>, except numbers: [Int]
    ) -> Int {
        let entry = list.entries[index]
        let (member, request) = (entry.member.takeUnretainedValue(), request(of: entry))
        let heard = list.unwritten.indices.filter { !numbers.contains($0) }
        guard slot.keepsNewest, lanes[entry.lane] == nil, member.isBehind else {
            var count = 0
            for number in heard {
                let (publication, body) = (list.unwritten[number].publication, list.unwritten[number].body)
                guard let frame = member.frame(of: publication, body, request: request) else { continue }
                count += 1
                member.enqueue(frame)
            }
            return count
        }
        guard let last = heard.last else { return 0 }
        metrics.counters.add(.skipped, heard.count - 1)
        let (publication, body) = (list.unwritten[last].publication, list.unwritten[last].body)
        let newest = member.frame(of: publication, body, request: request)
        if let newest { member.keepNewest(newest, of: slot.channel, request: request) }
        return 0
    }

    private func request(of entry: ChannelSlot<Member>.Entry) -> UInt32 {
        entry.member._withUnsafeGuaranteedRef { $0.membership.places[Int(entry.place)].request }
    }
}

extension HubMember {
    /// A delivery with the lead that the member writes; `nil`: it does not take it.
    func frame(of publication: Publication, _ body: PersonalBody, request: UInt32) -> SplitFrame? {
        var lead = ByteBuffer()
        return writeLead(of: publication, request: request, into: &lead) ? body.frame(lead.readableBytesView) : nil
    }
}

/// The heads of what one subscriber gets in one write: headers and leads, one behind the other. Its room is used again.
struct WrittenHeads {
    private var heads = ByteBuffer()
    private var lead = ByteBuffer()
    /// Which of the turn's publications they belong to, and where they end.
    private var parts: [(number: Int, end: Int)] = []
    /// All bytes of these frames, bodies included.
    private(set) var bytes = 0

    /// Frames that the subscriber takes.
    var count: Int { parts.count }

    mutating func write<Member: HubMember>(
        _ publications: [PersonalSubscribers<Member>.Unwritten], for member: Member, request: UInt32
    ) {
        heads.clear()
        parts.removeAll(keepingCapacity: true)
        bytes = 0
        for (number, unwritten) in publications.enumerated() {
            lead.clear()
            guard member.writeLead(of: unwritten.publication, request: request, into: &lead) else { continue }
            unwritten.body.writeHeader(behind: lead.readableBytes, into: &heads)
            heads.writeImmutableBuffer(lead)
            parts.append((number, heads.writerIndex))
            bytes += unwritten.body.bytes.readableBytes
        }
        bytes += heads.readableBytes
    }

    /// Returns what the lane does.
    func send<Member: HubMember>(
        _ publications: [PersonalSubscribers<Member>.Unwritten], through lane: Member.Lane
    ) -> Int {
        withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: 2 * parts.count) { pieces in
            heads.withUnsafeReadableBytes { heads in
                var start = 0
                for (index, part) in parts.enumerated() {
                    pieces.initializeElement(
                        at: 2 * index, to: UnsafeRawBufferPointer(rebasing: heads[start..<part.end]))
                    // The turn holds the memory until this call is over, and nothing writes to it.
                    let body = publications[part.number].body.bytes.withUnsafeReadableBytesWithStorageManagement {
                        bytes, _ in bytes
                    }
                    pieces.initializeElement(at: 2 * index + 1, to: body)
                    start = part.end
                }
                return lane.send(UnsafeBufferPointer(pieces))
            }
        }
    }

    /// The frames again, in memory of their own but for the bodies.
    func forEachFrame<Member: HubMember>(
        _ publications: [PersonalSubscribers<Member>.Unwritten], _ body: (SplitFrame) -> Void
    ) {
        var rest = heads
        var start = 0
        for part in parts {
            let head = rest.readSlice(length: part.end - start).map { ByteBuffer(bytes: $0.readableBytesView) }
            body(SplitFrame(head: head ?? ByteBuffer(), body: publications[part.number].body.bytes))
            start = part.end
        }
    }
}
