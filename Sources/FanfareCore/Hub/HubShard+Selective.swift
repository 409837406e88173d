import FanfareWire
import NIOCore

/// Deliveries to subscribers with a selection.
extension HubShard {
    /// Gives them this turn's publications of a channel. Returns how many they got in all.
    func pass(_ selective: SelectiveSubscribers<Member>, of slot: ChannelSlot<Member>, _ direct: Bool) -> Int {
        count(selective.takeTally())
        let (subscribers, groups) = (selective.subscribers, selective.groups)
        var (deliveries, writes, sent) = (0, 0, 0)
        withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: groups.count) { batches in
            batches.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
            for (index, group) in groups.enumerated() {
                // The groups hold the memory until this call is over, and nothing writes to it.
                guard let batch = group.batch else { continue }
                batches[index] = batch.withUnsafeReadableBytesWithStorageManagement { bytes, _ in bytes }
            }
            for subscriber in subscribers {
                let (bytes, number) = (batches[Int(subscriber.group)], Int(subscriber.group))
                guard !bytes.isEmpty else { continue }
                guard direct, let lane = lanes[subscriber.entry.lane] else {
                    deliveries &+= give(groups[number], to: subscriber.entry, of: slot, direct)
                    continue
                }
                deliveries &+= groups[number].publications
                let count = lane.send(bytes)
                if count == bytes.count {
                    writes &+= 1
                    sent &+= count
                } else if let batch = groups[number].batch {
                    subscriber.entry.member._withUnsafeGuaranteedRef { $0.sent(count, of: batch) }
                }
            }
        }
        metrics.counters.add(.deliveryWrites, writes)
        metrics.counters.add(.bytesSent, sent)
        return deliveries
    }

    private func count(_ tally: SelectiveGroup.Tally) {
        guard tally != SelectiveGroup.Tally() else { return }
        metrics.counters.add(.filtered, tally.filtered)
        metrics.counters.add(.deltaInputBytes, tally.deltaInput)
        metrics.counters.add(.deltaOutputBytes, tally.deltaOutput)
    }

    /// Gives a subscriber whose lane can't be used a batch, or keeps the newest where that is enough. Returns how many
    /// publications it got.
    private func give(
        _ group: SelectiveGroup, to entry: ChannelSlot<Member>.Entry, of slot: ChannelSlot<Member>, _ direct: Bool
    ) -> Int {
        guard let batch = group.batch else { return 0 }
        let member = entry.member.takeUnretainedValue()
        if let newest = group.newest, lanes[entry.lane] == nil, member.isBehind {
            metrics.counters.add(.skipped, group.publications - 1)
            member.keepNewest(
                SplitFrame(body: newest), of: slot.channel,
                request: member.membership.places[Int(entry.place)].request)
            return 0
        }
        if direct { member.deliver(batch) } else { member.enqueue(batch) }
        return group.publications
    }
}
