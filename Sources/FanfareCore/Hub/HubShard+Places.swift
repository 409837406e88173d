import FanfareWire

/// How clients come into a channel's lists and leave them.
extension HubShard {
    /// Asks the broker for a channel that nobody here is in.
    func open(_ channel: ChannelName) -> ChannelSlot<Member> {
        let slot = ChannelSlot<Member>(
            channel: channel, ticket: nextTicket, keepsNewest: rules.rules(channel)?.queue == .newest)
        nextTicket += 1
        slots[channel] = slot
        metrics.counters.set(.channels, slots.count)
        broker.subscribe(channel, receiver: receiver, ticket: slot.ticket)
        return slot
    }

    /// The member whose subscription waited gets publications from here on.
    func join(_ waiter: ChannelSlot<Member>.Waiter, _ slot: ChannelSlot<Member>, place: Int) {
        let member = waiter.member
        slot.waiting -= 1
        if member.membership.lane < 0 { member.membership.lane = lanes.add(nil) }
        member.membership.places[place].index = slot.add(
            .init(member: .passUnretained(member), place: Int32(place), lane: member.membership.lane), waiter.format,
            lead: waiter.lead, waiter.selection, maker: waiter.maker)
        metrics.counters.add(.subscriptions)
        switch waiter.selection {
        case .deltas: metrics.counters.add(.deltaSubscriptions)
        case .filtered: metrics.counters.add(.filterSubscriptions)
        case nil: break
        }
    }

    /// The subscription that waited is not to be.
    func fail(_ waiter: ChannelSlot<Member>.Waiter, _ slot: ChannelSlot<Member>, _ error: BrokerError) {
        guard let place = stillWaiting(waiter, in: slot) else { return }
        slot.waiting -= 1
        removePlace(waiter.member, place, slot)
        waiter.member.subscribeFailed(slot.channel, request: waiter.request, error)
    }

    func remove(_ member: Member, place: Int) {
        let entry = member.membership.places[place]
        let slot = entry.slot
        if entry.isWaiting {
            slot.waiting -= 1
        } else if let list = slot.list(of: member, place: place, index: Int(entry.index)) {
            if case .selective = list, let hasDeltas = slot.selective?.hasDeltas(at: Int(entry.index)) {
                metrics.counters.add(hasDeltas ? .deltaSubscriptions : .filterSubscriptions, -1)
            }
            if let moved = slot.remove(at: Int(entry.index), list) {
                moved.member._withUnsafeGuaranteedRef { $0.membership.places[Int(moved.place)].index = entry.index }
            }
            metrics.counters.add(.subscriptions, -1)
        }
        removePlace(member, place, slot)
        drop(ifUnused: slot)
    }

    /// Takes a place out of the member's array; the one that moves into the gap tells its channel. With the last one of a
    /// channel the client is gone from there.
    private func removePlace(_ member: Member, _ place: Int, _ slot: ChannelSlot<Member>) {
        let last = member.membership.places.count - 1
        if place != last {
            let moved = member.membership.places[last]
            if !moved.isWaiting, let list = moved.slot.list(of: member, place: last, index: Int(moved.index)) {
                moved.slot.moved(at: Int(moved.index), list, to: Int32(place))
            }
            member.membership.places[place] = moved
        }
        member.membership.places.removeLast()
        if slot.repeated > 0, member.membership.places.contains(where: { $0.slot === slot }) {
            slot.repeated -= 1
        } else {
            onEnd?(member, slot.channel)
        }
    }

    /// A slot with a batch stays until the turn is flushed, for `dirty` holds it.
    func drop(ifUnused slot: ChannelSlot<Member>) {
        guard slot.isUnused, slots[slot.channel] === slot else { return }
        slots[slot.channel] = nil
        metrics.counters.set(.channels, slots.count)
        broker.unsubscribe(slot.channel, receiver: receiver)
    }

    func takeWaiters(_ slot: ChannelSlot<Member>) -> [ChannelSlot<Member>.Waiter] {
        let waiters = slot.waiters
        slot.waiters = []
        return waiters
    }

    /// The place of a subscription that still waits; `nil` when the client left or unsubscribed meanwhile.
    func stillWaiting(_ waiter: ChannelSlot<Member>.Waiter, in slot: ChannelSlot<Member>) -> Int? {
        waiter.member.membership.places.firstIndex {
            $0.slot === slot && $0.index == waiter.number
        }
    }
}
