import FanfareWire

/// Who comes and who goes, for those who listen.
extension HubShard {
    /// Takes a join or leave into this turn, behind the publications that came before it.
    public func announce(_ prepared: PreparedPresenceEvent) {
        guard let slot = slots[prepared.event.channel], slot.isActive else { return }
        if slot.batched == 0 { dirty.append(slot) }
        note(slot.add(prepared), slot)
        for catching in slot.recoveries?.catching ?? [] where stillWaiting(catching.waiter, in: slot) != nil {
            if let frame = prepared.frame(catching.waiter.format) { catching.waiter.member.enqueue(frame) }
        }
    }
}

extension ChannelSlot {
    /// Adds a join or leave to this turn's batches of the formats that have it. Returns by how many bytes
    /// the biggest of them grew, and those of subscribers with a selection together.
    func add(_ prepared: PreparedPresenceEvent) -> Int {
        var (bytes, copied) = (0, 0)
        for index in subscribers.indices {
            guard let frame = prepared.frame(subscribers[index].format) else { continue }
            subscribers.update(at: index) { subscribers in
                // The first is shared with other event loops; writing behind it copies it then.
                if subscribers.batch?.writeImmutableBuffer(frame) == nil { subscribers.batch = frame }
            }
            bytes = max(bytes, frame.readableBytes)
        }
        if let selective {
            let cost = selective.add(prepared)
            bytes = max(bytes, cost.frame)
            copied = cost.copied
        }
        for index in exclusions.indices { exclusions[index].add(prepared) }
        batched += 1
        batchBytes += bytes
        events += 1
        return bytes + copied
    }
}
