import FanfareWire
import NIOCore

/// The part of the hub that one event loop owns: which of its clients listen to which channel.
///
/// Subscribe, unsubscribe and disconnect cost O(1) per channel (swap-remove with back-indices), but for a look through the
/// wire formats in use there, nearly always one. A tick is: any number of ``publish(_:)``, then one ``flush(now:)``, without a return to the event loop in between.
///
/// **Invariant of a fan-out.** While ``flush(now:)`` walks the subscribers, no list changes: `deliver` and `enqueue` must
/// not subscribe or unsubscribe, and a client that dies in them calls ``leave(_:)``, which only notes it; the lists are
/// cleaned when the walk is over. So every subscriber of the tick's start gets its share or is dead.
public final class HubShard<Member: HubMember> {
    let broker: any Broker
    /// Called when a subscription ends that was in force, or waited for it.
    public var onEnd: ((Member, ChannelName) -> Void)?
    private let receiver: Int
    let metrics: LoopMetrics
    private let rules: ChannelRulebook
    /// Where the broker's answers to reads of this shard go.
    let mailbox: Mailbox<BrokerEvent>
    let maxRecovery: Int
    var slots: [ChannelName: ChannelSlot<Member>] = [:]
    var lastRead: UInt64 = 0
    /// Answers to reads that some clients do not have yet.
    var answering: [Answering] = []
    /// The newest read, for who wants the same.
    var recent: RecentRead?
    /// Channels with clients that wait for the end of a tick or for live traffic to catch up with what they read.
    var catchingUp: [ChannelSlot<Member>] = []
    private var nextTicket: UInt64 = 1
    /// Channels with a batch in this tick, in the order of their first publication.
    var dirty: [ChannelSlot<Member>] = []
    /// Bytes of all batches of this tick, each counted in the format in which it is biggest.
    public private(set) var batchedBytes = 0
    /// Bytes of the biggest batch of this tick.
    public private(set) var biggestBatch = 0
    /// Whether what subscribers are given right now comes out of a stream, after a gap: late, and perhaps more at once than
    /// live traffic may be.
    public private(set) var isRepairing = false
    /// Acceptance times of this tick's publications, for the lag histogram.
    private var acceptedAt: [UInt64] = []
    private var isFlushing = false
    private var departed: [Member] = []
    private var lanes = LaneTable<Member.Lane>()
    /// Room for the next batch.
    private var spare = ByteBuffer()
    private static var spareBytes: Int { 131_072 }

    /// - Parameters:
    ///   - receiver: this shard's index among the broker's receivers.
    ///   - mailbox: the receiver's.
    ///   - maxRecovery: publications that one client gets out of a channel's history with its subscription.
    public init(
        broker: any Broker, rules: ChannelRulebook = ChannelRulebook(), receiver: Int, metrics: LoopMetrics,
        mailbox: Mailbox<BrokerEvent>, maxRecovery: Int
    ) {
        self.rules = rules
        self.broker = broker
        self.receiver = receiver
        self.metrics = metrics
        self.mailbox = mailbox
        self.maxRecovery = maxRecovery
    }

    /// Channels with a subscriber or a waiter here.
    public var channelCount: Int { slots.count }

    /// Subscribers of a channel in force here.
    public func subscribers(of channel: ChannelName) -> Int { slots[channel]?.count ?? 0 }

    /// Opens or closes the short way to a client: open only while nothing waits for it. Allowed at any time, also from
    /// `deliver`.
    public func setLane(_ member: Member, _ lane: Member.Lane?) {
        if member.membership.lane >= 0 {
            lanes[member.membership.lane] = lane
        } else if let lane {
            member.membership.lane = lanes.add(lane)
        }
    }

    /// Asks for a channel. The answer is one call of `subscribed` or `subscribeFailed` on the member, at once when the
    /// channel is already flowing here, else when the broker answered; none when the member left before.
    ///
    /// The caller makes sure that the member is not in that channel yet, and flushes first: a tick under way would reach
    /// the member too.
    public func subscribe(
        _ member: Member, to channel: ChannelName, request: UInt32, wish: RecoveryWish = .none
    ) {
        precondition(!isFlushing, "subscribe during a fan-out")
        let slot = slots[channel] ?? open(channel)
        member.membership.places.append(.init(slot: slot, index: HubMembership<Member>.waiting, request: request))
        slot.waiting += 1
        let waiter = ChannelSlot<Member>.Waiter(member: member, request: request, wish: wish)
        if slot.isActive {
            admit(waiter, slot)
        } else {
            slot.waiters.append(waiter)
        }
    }

    /// Ends a subscription, in force or asked for. Returns whether there was one.
    @discardableResult
    public func unsubscribe(_ member: Member, from channel: ChannelName) -> Bool {
        precondition(!isFlushing, "unsubscribe during a fan-out")
        guard let place = member.membership.find(channel) else { return false }
        remove(member, place: place)
        return true
    }

    /// Ends all subscriptions of a client that is gone. Allowed at any time, also from `deliver`.
    public func leave(_ member: Member) {
        setLane(member, nil)
        guard !isFlushing else { return departed.append(member) }
        while !member.membership.places.isEmpty {
            remove(member, place: member.membership.places.count - 1)
        }
        if member.membership.lane >= 0 {
            lanes.remove(member.membership.lane)
            member.membership.lane = -1
        }
    }

    /// The broker's answer to a subscription.
    ///
    /// - Parameter position: the place in the channel's stream after which everything arrives; `nil` without history.
    public func subscribed(_ channel: ChannelName, ticket: UInt64, position: StreamPosition? = nil) {
        guard let slot = slots[channel], slot.ticket == ticket, !slot.isActive else { return }
        slot.isActive = true
        slot.position = position
        for waiter in takeWaiters(slot) { admit(waiter, slot) }
        drop(ifUnused: slot)
    }

    /// The broker's refusal of a subscription.
    public func subscribeFailed(_ channel: ChannelName, ticket: UInt64, _ error: BrokerError) {
        guard let slot = slots[channel], slot.ticket == ticket, !slot.isActive else { return }
        slots[channel] = nil
        metrics.counters.set(.channels, slots.count)
        for waiter in takeWaiters(slot) {
            fail(waiter, slot, error)
        }
    }

    /// Takes a publication into this tick.
    public func publish(_ prepared: PreparedPublication) {
        metrics.counters.add(.publicationsOut)
        guard var slot = slots[prepared.publication.channel], slot.isActive else { return }
        if let position = prepared.publication.position {
            if !slot.isNext(prepared.publication, position) {
                guard breaks(prepared, position, slot), let open = slots[slot.channel] else { return }
                slot = open
            }
            isRepairing = prepared.isRepaired
            follow(prepared, position, slot)
            isRepairing = false
        }
        if slot.batched == 0 { dirty.append(slot) }
        note(slot.add(prepared, spare: &spare), slot)
        let accepted = prepared.publication.publishedAt
        acceptedAt.append(accepted == 0 ? prepared.receivedAt : accepted)
    }

    func note(_ bytes: Int, _ slot: ChannelSlot<Member>) {
        batchedBytes &+= bytes
        biggestBatch = max(biggestBatch, slot.batchBytes)
    }

    /// Writes this tick's publications: one write per subscriber, also for one who listens to several channels that fired.
    ///
    /// - Parameter now: microseconds since 1970, read after the walk, for the lag histogram.
    public func flush(now: () -> UInt64) {
        guard !dirty.isEmpty else { return }
        isFlushing = true
        walk()
        isFlushing = false
        if !catchingUp.isEmpty { joinCaughtUp() }
        batchedBytes = 0
        biggestBatch = 0
        let end = now()
        for accepted in acceptedAt {
            metrics.deliveryLag.record(microseconds: Int(truncatingIfNeeded: end &- accepted))
        }
        acceptedAt.removeAll(keepingCapacity: true)
        let gone = departed
        departed.removeAll()
        for member in gone { leave(member) }
    }

    /// With one channel, its batch goes straight to the subscribers; with several, they are gathered per client first.
    private func walk() {
        let direct = dirty.count == 1
        var deliveries = 0
        for slot in dirty {
            isRepairing = slot.isRepaired
            for index in slot.subscribers.indices {
                let taken = slot.subscribers.update(at: index) { subscribers in
                    defer { subscribers.batch = nil }
                    return subscribers
                }
                guard let batch = taken.batch else { continue }
                let entries = taken.entries
                var count = entries.count
                if let newest = taken.newest {
                    count = deliver(batch, or: newest, of: slot, to: entries)
                } else if direct {
                    deliver(batch, to: entries)
                } else {
                    enqueue(batch, for: entries)
                }
                deliveries &+= count &* (slot.batched &- slot.events)
                keep(batch, of: slot.batched)
            }
            slot.settle()
        }
        isRepairing = false
        dirty.removeAll(keepingCapacity: true)
        metrics.counters.add(.deliveries, deliveries)
    }

    private func deliver(_ batch: ByteBuffer, to entries: [ChannelSlot<Member>.Entry]) {
        var writes = 0
        batch.withUnsafeReadableBytes { bytes in
            for entry in entries {
                guard let lane = lanes[entry.lane] else {
                    entry.member._withUnsafeGuaranteedRef { $0.deliver(batch) }
                    continue
                }
                let count = lane.send(bytes)
                if count == bytes.count {
                    writes &+= 1
                } else {
                    entry.member._withUnsafeGuaranteedRef { $0.sent(count, of: batch) }
                }
            }
            metrics.counters.add(.bytesSent, writes &* bytes.count)
        }
        metrics.counters.add(.deliveryWrites, writes)
    }

    /// Gives those that are behind the newest publication only, the others the batch. Returns how many these are.
    private func deliver(
        _ batch: ByteBuffer, or newest: ByteBuffer, of slot: ChannelSlot<Member>,
        to entries: [ChannelSlot<Member>.Entry]
    ) -> Int {
        let direct = dirty.count == 1
        var (count, writes) = (0, 0)
        batch.withUnsafeReadableBytes { bytes in
            for entry in entries {
                if direct, let lane = lanes[entry.lane] {
                    count &+= 1
                    let sent = lane.send(bytes)
                    if sent == bytes.count {
                        writes &+= 1
                    } else {
                        entry.member._withUnsafeGuaranteedRef { $0.sent(sent, of: batch) }
                    }
                    continue
                }
                let isBehind = entry.member._withUnsafeGuaranteedRef { member in
                    guard lanes[entry.lane] == nil, member.isBehind else {
                        if direct { member.deliver(batch) } else { member.enqueue(batch) }
                        return false
                    }
                    member.keepNewest(newest, of: slot.channel)
                    return true
                }
                if isBehind {
                    metrics.counters.add(.skipped, slot.batched - slot.events - 1)
                } else {
                    count &+= 1
                }
            }
            metrics.counters.add(.bytesSent, writes &* bytes.count)
        }
        metrics.counters.add(.deliveryWrites, writes)
        return count
    }

    private func enqueue(_ batch: ByteBuffer, for entries: [ChannelSlot<Member>.Entry]) {
        for entry in entries { entry.member._withUnsafeGuaranteedRef { $0.enqueue(batch) } }
    }

    /// A batch of several publications leaves its buffer to the next tick; where a slow client holds it, that one gets
    /// another.
    private func keep(_ batch: ByteBuffer, of publications: Int) {
        if publications > 1, batch.storageCapacity <= Self.spareBytes { spare = batch }
    }
}

extension HubShard {
    private func open(_ channel: ChannelName) -> ChannelSlot<Member> {
        let slot = ChannelSlot<Member>(
            channel: channel, ticket: nextTicket, keepsNewest: rules.rules(channel)?.queue == .newest)
        nextTicket += 1
        slots[channel] = slot
        metrics.counters.set(.channels, slots.count)
        broker.subscribe(channel, receiver: receiver, ticket: slot.ticket)
        return slot
    }

    /// The member whose subscription waited gets publications from here on.
    func join(_ member: Member, _ slot: ChannelSlot<Member>, place: Int) {
        slot.waiting -= 1
        if member.membership.lane < 0 { member.membership.lane = lanes.add(nil) }
        member.membership.places[place].index = slot.add(
            .init(member: .passUnretained(member), place: Int32(place), lane: member.membership.lane), member.wireFormat
        )
        metrics.counters.add(.subscriptions)
    }

    /// The subscription that waited is not to be.
    func fail(_ waiter: ChannelSlot<Member>.Waiter, _ slot: ChannelSlot<Member>, _ error: BrokerError) {
        guard let place = stillWaiting(waiter, in: slot) else { return }
        slot.waiting -= 1
        removePlace(waiter.member, place)
        waiter.member.subscribeFailed(slot.channel, request: waiter.request, error)
    }

    func remove(_ member: Member, place: Int) {
        let entry = member.membership.places[place]
        let slot = entry.slot
        if entry.index == HubMembership<Member>.waiting {
            slot.waiting -= 1
        } else {
            if let moved = slot.remove(at: Int(entry.index), member.wireFormat) {
                moved.member._withUnsafeGuaranteedRef { $0.membership.places[Int(moved.place)].index = entry.index }
            }
            metrics.counters.add(.subscriptions, -1)
        }
        removePlace(member, place)
        onEnd?(member, slot.channel)
        drop(ifUnused: slot)
    }

    /// Takes a place out of the member's array; the one that moves into the gap tells its channel.
    private func removePlace(_ member: Member, _ place: Int) {
        let last = member.membership.places.count - 1
        if place != last {
            let moved = member.membership.places[last]
            member.membership.places[place] = moved
            if moved.index != HubMembership<Member>.waiting {
                moved.slot.moved(at: Int(moved.index), member.wireFormat, to: Int32(place))
            }
        }
        member.membership.places.removeLast()
    }

    /// A slot with a batch stays until the tick is flushed, for `dirty` holds it.
    func drop(ifUnused slot: ChannelSlot<Member>) {
        guard slot.isUnused, slots[slot.channel] === slot else { return }
        slots[slot.channel] = nil
        metrics.counters.set(.channels, slots.count)
        broker.unsubscribe(slot.channel, receiver: receiver)
    }

    private func takeWaiters(_ slot: ChannelSlot<Member>) -> [ChannelSlot<Member>.Waiter] {
        let waiters = slot.waiters
        slot.waiters = []
        return waiters
    }

    /// The place of a subscription that still waits; `nil` when the client left or unsubscribed meanwhile.
    func stillWaiting(_ waiter: ChannelSlot<Member>.Waiter, in slot: ChannelSlot<Member>) -> Int? {
        waiter.member.membership.places.firstIndex {
            $0.slot === slot && $0.index == HubMembership<Member>.waiting && $0.request == waiter.request
        }
    }
}
