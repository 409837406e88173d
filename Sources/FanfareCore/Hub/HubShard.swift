import FanfareWire
import NIOCore

/// The part of the hub that one event loop owns: which of its clients listen to which channel.
///
/// Subscribe, unsubscribe and disconnect cost O(1) per channel (swap-remove with back-indices), but for a look through the
/// wire formats in use there, nearly always one, and through the client's own subscriptions. A turn is: any number of ``publish(_:)``, then one ``flush(now:)``, without a return to the event loop in between.
///
/// **Invariant of a fan-out.** While ``flush(now:)`` walks the subscribers, no list changes: `deliver` and `enqueue` must
/// not subscribe or unsubscribe, and a client that dies in them calls ``leave(_:)``, which only notes it; the lists are
/// cleaned when the walk is over. So every subscriber of the turn's start gets its share or is dead.
public final class HubShard<Member: HubMember> {
    let broker: any Broker
    /// Called when the last subscription of a client to a channel ends, in force or asked for.
    public var onEnd: ((Member, ChannelName) -> Void)?
    /// The client of that id, if it is on this event loop. Asked for publications that leave out a client.
    public var findClient: ((ClientID) -> Member?)?
    let receiver: Int
    let metrics: LoopMetrics
    let rules: ChannelRulebook
    /// Where the broker's answers to reads of this shard go.
    let mailbox: Mailbox<BrokerEvent>
    let maxRecovery: Int
    let maxFilters: Int
    var slots: [ChannelName: ChannelSlot<Member>] = [:]
    var lastRead: UInt64 = 0
    /// Answers to reads that some clients do not have yet.
    var answering: [Answering] = []
    /// The newest read, for who wants the same.
    var recent: RecentRead?
    /// Channels with clients that wait for the end of a turn or for live traffic to catch up with what they read.
    var catchingUp: [ChannelSlot<Member>] = []
    var nextTicket: UInt64 = 1
    private var lastWaiter: Int32 = 0
    /// Channels with a batch in this turn, in the order of their first publication.
    var dirty: [ChannelSlot<Member>] = []
    /// Bytes of all batches of this turn, each counted in the format in which it is biggest.
    public private(set) var batchedBytes = 0
    /// What filters and deltas cost since the last ``takeWork()``.
    private var work = 0
    /// Bytes of the biggest batch of this turn.
    public private(set) var biggestBatch = 0
    /// Whether what subscribers are given right now comes out of a stream, after a gap: late, and perhaps more at once than
    /// live traffic may be.
    public private(set) var isRepairing = false
    /// Acceptance times of this turn's publications, for the lag histogram.
    private var acceptedAt: [UInt64] = []
    private var isFlushing = false
    private var departed: [Member] = []
    var lanes = LaneTable<Member.Lane>()
    /// Room for the next batch.
    private var spare = ByteBuffer()
    /// Room for the heads of one subscriber that writes its own leads.
    var writtenHeads = WrittenHeads()

    /// - Parameters:
    ///   - receiver: this shard's index among the broker's receivers.
    ///   - mailbox: the receiver's.
    ///   - maxRecovery: publications that one client gets out of a channel's history with its subscription.
    ///   - maxFilters: different filters of the subscriptions to one channel.
    public init(
        broker: any Broker, rules: ChannelRulebook = ChannelRulebook(), receiver: Int, metrics: LoopMetrics,
        mailbox: Mailbox<BrokerEvent>, maxRecovery: Int, maxFilters: Int = Limits().maxFiltersPerChannel
    ) {
        self.rules = rules
        self.broker = broker
        self.receiver = receiver
        self.metrics = metrics
        self.mailbox = mailbox
        self.maxRecovery = maxRecovery
        self.maxFilters = maxFilters
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
    /// A member may have several subscriptions to a channel, each with its own answer and publications. The caller makes sure
    /// that it has none of that name there, and flushes first: a turn under way would reach the member too.
    ///
    /// - Parameters:
    ///   - request: names the subscription among those of the member to that channel.
    ///   - format: how publications read to this subscription, if not as to the member's others. The caller uses it in the
    ///     format table until the subscription has ended.
    ///   - lead: what comes before the shared part of each publication, in a format with leads, and only there.
    ///   - selection: what it gets of the channel, if not the same as others; not in a format with leads.
    ///   - maker: for whom, where the format has leads and is one that clients make: a channel has ``maximumFormats`` of them.
    public func subscribe(
        _ member: Member, to channel: ChannelName, request: UInt32, wish: RecoveryRequest = .none,
        format: WireFormat? = nil, lead: Lead? = nil, selection: Selection? = nil, maker: FormatMaker? = nil
    ) {
        precondition(!isFlushing, "subscribe during a fan-out")
        if case .fixed(let bytes) = lead {
            precondition(bytes.count <= Self.maximumLeadBytes, "a lead of \(bytes.count) bytes")
        }
        precondition(lead == nil || selection == nil, "a selection in a format with leads")
        let slot = slots[channel] ?? open(channel)
        if !slot.isUnused, member.membership.places.contains(where: { $0.slot === slot }) { slot.repeated += 1 }
        lastWaiter = lastWaiter == .min ? -1 : lastWaiter - 1
        member.membership.places.append(.init(slot: slot, index: lastWaiter, request: request))
        slot.waiting += 1
        let waiter = ChannelSlot<Member>.Waiter(
            member: member, request: request, wish: wish, number: lastWaiter, format: format ?? member.wireFormat,
            lead: lead, selection: selection, maker: maker)
        if slot.isActive {
            admit(waiter, slot)
        } else {
            slot.waiters.append(waiter)
        }
    }

    /// Ends a subscription, in force or asked for. Returns whether there was one.
    @discardableResult
    public func unsubscribe(_ member: Member, from channel: ChannelName, request: UInt32) -> Bool {
        precondition(!isFlushing, "unsubscribe during a fan-out")
        guard let place = member.membership.find(channel, request) else { return false }
        remove(member, place: place)
        return true
    }

    /// Ends all of a member's subscriptions to a channel. Returns whether there was one.
    @discardableResult
    public func unsubscribe(_ member: Member, from channel: ChannelName) -> Bool {
        precondition(!isFlushing, "unsubscribe during a fan-out")
        var had = false
        while let place = member.membership.find(channel) {
            remove(member, place: place)
            had = true
        }
        return had
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

    /// The clients with a subscription to a channel in force, once for each.
    public func members(of channel: ChannelName) -> [Member] { slots[channel]?.inForce.map(\.member) ?? [] }

    /// Takes a publication into this turn.
    public func publish(_ prepared: PreparedPublication) {
        metrics.counters.add(.publicationsOut)
        guard var slot = slot(of: prepared.publication.channel), slot.isActive else { return }
        if slot.batched > 0, let selective = slot.selective {
            let copies = selective.bytesToCopy(prepared.publication.payload.bytes.readableBytes)
            if batchedBytes + copies > Self.copiedBytes {
                spend(batchedBytes)
                flush(now: { prepared.receivedAt })
                // Its last subscriber may have gone meanwhile.
                guard let open = slots[prepared.publication.channel] else { return }
                slot = open
            }
        }
        let excluded = prepared.publication.metadata?.excludedClient.flatMap { findClient?($0) }
        if let position = prepared.publication.position {
            if !slot.isNext(prepared.publication, position) {
                guard breaks(prepared, position, slot), let open = slots[slot.channel] else { return }
                slot = open
            }
            isRepairing = prepared.isRepaired
            follow(prepared, position, slot, excluding: excluded)
            isRepairing = false
        }
        if slot.batched == 0 { dirty.append(slot) }
        if excluded != nil || !slot.exclusions.isEmpty { slot.leaveOut(excluded, of: prepared) }
        note(slot.add(prepared, excluding: excluded, spare: &spare), slot)
        spend(slot.work)
        slot.work = 0
        let accepted = prepared.publication.publishedAt
        acceptedAt.append(accepted == 0 ? prepared.receivedAt : accepted)
    }

    /// The slot of a channel: mostly that of the publication before, which is found without a hash of its name. One that is in use
    /// is not taken out of ``slots``.
    private func slot(of channel: ChannelName) -> ChannelSlot<Member>? {
        if let last = dirty.last, last.channel == channel, last.isActive, !last.isUnused { return last }
        return slots[channel]
    }

    /// Notes what filters and deltas cost.
    func spend(_ work: Int) { self.work &+= work }

    /// What filters and deltas cost since the last time, as ``TurnBudget`` counts bytes: the frames that come of it may be few
    /// and small.
    public func takeWork() -> Int {
        defer { work = 0 }
        return work
    }

    func note(_ bytes: Int, _ slot: ChannelSlot<Member>) {
        batchedBytes &+= bytes
        biggestBatch = max(biggestBatch, slot.batchBytes)
    }

    /// Writes this turn's publications: one write per subscriber, also for one who listens to several channels that fired.
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

    /// With one channel, its batch goes straight to the subscribers; with several, or where a client has several subscriptions,
    /// they are gathered per client first.
    private func walk() {
        let direct = dirty.count == 1 && dirty[0].repeated == 0
        var deliveries = 0
        for slot in dirty {
            isRepairing = slot.isRepaired
            for index in slot.subscribers.indices {
                let taken = slot.subscribers.update(at: index) { subscribers in
                    defer { subscribers.batch = nil }
                    return subscribers
                }
                guard let batch = taken.batch else { continue }
                if slot.exclusions.isEmpty {
                    let count = slot.batched &- slot.events
                    deliveries &+= pass(batch, or: taken.newest, count, of: slot, to: taken.entries, direct)
                } else {
                    deliveries &+= passSome(batch, or: taken.newest, list: index, of: slot, direct)
                }
                keep(batch, of: slot.batched)
            }
            if let personal = slot.personal { deliveries &+= pass(personal, of: slot, direct) }
            if let selective = slot.selective { deliveries &+= pass(selective, of: slot, direct) }
            slot.endTurn()
        }
        isRepairing = false
        dirty.removeAll(keepingCapacity: true)
        metrics.counters.add(.deliveries, deliveries)
    }

    /// Gives subscribers of one format a batch of so many publications, or only the newest where that is enough for them.
    /// Returns how many publications they got in all.
    func pass(
        _ batch: ByteBuffer, or newest: ByteBuffer?, _ publications: Int, of slot: ChannelSlot<Member>,
        to entries: [ChannelSlot<Member>.Entry], _ direct: Bool
    ) -> Int {
        var count = entries.count
        if let newest {
            count = deliver(batch, or: newest, publications, of: slot, to: entries, direct)
        } else if direct {
            deliver(batch, to: entries)
        } else {
            enqueue(batch, for: entries)
        }
        return count &* publications
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
        _ batch: ByteBuffer, or newest: ByteBuffer, _ publications: Int, of slot: ChannelSlot<Member>,
        to entries: [ChannelSlot<Member>.Entry], _ direct: Bool
    ) -> Int {
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
                    member.keepNewest(
                        SplitFrame(body: newest), of: slot.channel,
                        request: member.membership.places[Int(entry.place)].request)
                    return true
                }
                if isBehind {
                    metrics.counters.add(.skipped, publications - 1)
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

    /// A batch of several publications leaves its buffer to the next turn; where a slow client holds it, that one gets
    /// another.
    private func keep(_ batch: ByteBuffer, of publications: Int) {
        if publications > 1, batch.storageCapacity <= Self.spareBytes { spare = batch }
    }
}
