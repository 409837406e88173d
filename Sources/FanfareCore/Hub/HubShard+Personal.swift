import FanfareWire
import NIOCore

/// Deliveries to subscribers that have a lead of their own before what they share: no copy puts them together.
extension HubShard {
    /// Adds a publication to what a client gets at the end of the turn that is not among the subscribers yet.
    func enqueue(_ prepared: PreparedPublication, for waiter: ChannelSlot<Member>.Waiter) {
        switch waiter.lead {
        case nil:
            let hasDeltas = waiter.selection == .deltas
            waiter.member.enqueue(
                hasDeltas ? prepared.frame(waiter.format, after: nil) : prepared.frame(waiter.format))
        case .fixed(let lead):
            if let frame = prepared.personal(waiter.format)?.frame(lead) { waiter.member.enqueue(frame) }
        case .written:
            guard let body = prepared.personal(waiter.format) else { return }
            let frame = waiter.member.frame(of: prepared.publication, body, request: waiter.request)
            if let frame { waiter.member.enqueue(frame) }
        }
    }

    /// Gives them this turn's publications of a channel. Returns how many they got in all.
    func pass(_ personal: PersonalSubscribers<Member>, of slot: ChannelSlot<Member>, _ direct: Bool) -> Int {
        var deliveries = 0
        for (index, list) in personal.lists.enumerated() where !list.frames.isEmpty || !list.unwritten.isEmpty {
            let omitted = slot.exclusions.isEmpty ? [] : slot.omitted(in: .personal(index))
            if !direct {
                deliveries &+= enqueue(list, of: slot, except: omitted)
            } else if list.isWritten {
                deliveries &+= sendWritten(list, of: slot, except: omitted)
            } else {
                deliveries &+= send(list, of: slot, except: omitted)
            }
            for (entry, exclusion) in omitted {
                deliveries &+= give(list, entry, of: slot, except: slot.exclusions[exclusion].numbers)
            }
        }
        return deliveries
    }

    /// One call to the kernel for each subscriber whose lane is open: header, lead and body of each frame. From one to the next
    /// only the leads change.
    private func send(
        _ list: PersonalSubscribers<Member>.List, of slot: ChannelSlot<Member>, except omitted: [(Int, Int)]
    ) -> Int {
        let (count, leadBytes) = (list.frames.count, list.leadBytes)
        var (bytes, writes, deliveries) = (0, 0, 0)
        withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: 3 * count) { pieces in
            pieces.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
            list.headers.withUnsafeReadableBytes { headers in
                var start = 0
                for number in 0..<count {
                    let frame = list.frames[number]
                    pieces[3 * number] = UnsafeRawBufferPointer(
                        rebasing: headers[start..<start + frame.headerBytes])
                    // The list holds the memory until this call is over, and nothing writes to it.
                    pieces[3 * number + 2] = frame.body.withUnsafeReadableBytesWithStorageManagement { bytes, _ in bytes
                    }
                    start += frame.headerBytes
                    bytes += frame.headerBytes + leadBytes + frame.body.readableBytes
                }
                list.leads.withUnsafeBytes { leads in
                    for index in list.entries.indices {
                        let entry = list.entries[index]
                        if !omitted.isEmpty, omitted.contains(where: { $0.0 == index }) { continue }
                        guard let lane = lanes[entry.lane] else {
                            deliveries &+= give(list, index, of: slot, except: [])
                            continue
                        }
                        deliveries &+= count
                        let lead = UnsafeRawBufferPointer(
                            rebasing: leads[index &* leadBytes..<(index &+ 1) &* leadBytes])
                        for number in 0..<count { pieces[3 &* number &+ 1] = lead }
                        let sent = lane.send(UnsafeBufferPointer(pieces))
                        if sent == bytes { writes &+= 1 } else { hand(sent, of: list, index) }
                    }
                }
            }
        }
        metrics.counters.add(.deliveryWrites, writes)
        metrics.counters.add(.bytesSent, writes &* bytes)
        return deliveries
    }

    private func enqueue(
        _ list: PersonalSubscribers<Member>.List, of slot: ChannelSlot<Member>, except omitted: [(Int, Int)]
    ) -> Int {
        var deliveries = 0
        for index in list.entries.indices where !omitted.contains(where: { $0.0 == index }) {
            deliveries &+= give(list, index, of: slot, except: [])
        }
        return deliveries
    }

    /// The lane took only so many bytes: the rest is the client's.
    private func hand(_ sent: Int, of list: PersonalSubscribers<Member>.List, _ index: Int) {
        let member = list.entries[index].member.takeUnretainedValue()
        var left = sent
        list.forEachFrame(of: index) { _, frame in
            let taken = left < 0 ? left : min(left, frame.readableBytes)
            member.sent(taken, of: frame)
            if left > 0 { left -= taken }
        }
    }

    /// Adds a turn's frames to what a subscriber gets at its end, or keeps the newest where that is enough. Returns how many
    /// it added.
    func give(
        _ list: PersonalSubscribers<Member>.List, _ index: Int, of slot: ChannelSlot<Member>, except numbers: [Int]
    ) -> Int {
        guard !list.isWritten else { return giveWritten(list, index, of: slot, except: numbers) }
        let entry = list.entries[index]
        let member = entry.member.takeUnretainedValue()
        let keepsNewest = slot.keepsNewest && lanes[entry.lane] == nil && member.isBehind
        var (count, newest): (Int, SplitFrame?) = (0, nil)
        list.forEachFrame(of: index) { number, frame in
            guard !numbers.contains(number) else { return }
            count += 1
            if keepsNewest { newest = frame } else { member.enqueue(frame) }
        }
        guard let newest else { return count }
        metrics.counters.add(.skipped, count - 1)
        let request = member.membership.places[Int(entry.place)].request
        member.keepNewest(newest, of: slot.channel, request: request)
        return 0
    }
}
