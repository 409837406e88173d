import FanfareWire

/// How a subscription to a channel with history begins: at the position of live traffic, or behind what the client missed.
extension HubShard {
    /// The channel flows here: the waiter begins at once, or after a read of the history.
    func admit(_ waiter: ChannelSlot<Member>.Waiter, _ slot: ChannelSlot<Member>) {
        guard stillWaiting(waiter, in: slot) != nil else { return }
        guard let position = slot.position else { return begin(waiter, slot, SubscriptionStart()) }
        switch waiter.wish {
        case .none:
            begin(waiter, slot, SubscriptionStart(position: position))
        case .since(let place) where place == position:
            begin(waiter, slot, SubscriptionStart(position: position))
        case .since, .last:
            if slot.recoveries == nil { slot.recoveries = PendingRecoveries() }
            slot.recoveries?.asking.append(waiter)
            read(slot)
        }
    }

    /// What this loop has passed on of a channel; `nil` where it does not flow or has no history.
    public func position(of channel: ChannelName) -> StreamPosition? { slots[channel]?.position }

    /// The answer to a read that waits for its turn.
    struct Answering {
        let slot: ChannelSlot<Member>
        let read: UInt64
        var page: HistoryPage
    }

    /// A tick of the timing wheel: what was read a while ago is forgotten.
    public func ticked() {
        guard let age = recent?.age else { return }
        if age < RecentRead.lifetime { recent?.age += 1 } else { recent = nil }
    }

    /// The broker's answer to a read of this shard. Clients that don't get theirs now wait for ``answerMore()``.
    public func history(_ channel: ChannelName, read: UInt64, _ result: Result<HistoryPage, BrokerError>) {
        guard let slot = slots[channel], let reading = slot.recoveries?.reads[read] else { return }
        switch result {
        case .success(let page):
            slot.recoveries?.reads[read]?.cost = ReadCost(page)
            answering.append(Answering(slot: slot, read: read, page: page))
            if answering.count == 1 { answerMore() }
        case .failure(let error):
            slot.recoveries?.reads[read] = nil
            for waiter in reading.waiters { fail(waiter, slot, error) }
            finish(slot)
        }
    }

    /// Whether clients wait for answers that are here.
    public var hasAnswers: Bool { !answering.isEmpty }

    /// Gives the next clients their answers.
    public func answerMore() {
        var left = Self.answerBytes
        while left > 0, let next = answering.first {
            let slot = next.slot
            // Nothing of it is left when its clients have gone.
            guard slots[slot.channel] === slot, let reading = slot.recoveries?.reads[next.read],
                reading.next < reading.waiters.count
            else {
                slot.recoveries?.reads[next.read] = nil
                answering.removeFirst()
                if slots[slot.channel] === slot { finish(slot) }
                continue
            }
            slot.recoveries?.reads[next.read]?.next += 1
            left -= answer(reading.waiters[reading.next], next, slot)
        }
    }

    /// A read has served all whom it could.
    private func finish(_ slot: ChannelSlot<Member>) {
        slot.recoveries?.endTurn()
        self.read(slot)
        if slot.recoveries?.isEmpty == true { slot.recoveries = nil }
        drop(ifUnused: slot)
    }

    /// The history does not hold what was missed: all clients of the channel have to begin anew. The caller flushes first.
    public func insufficient(_ channel: ChannelName, position: StreamPosition) {
        guard let slot = slots[channel], slot.isActive else { return }
        slot.position = position
        let waiters = (slot.recoveries?.catching ?? []).map(\.waiter).filter { stillWaiting($0, in: slot) != nil }
        slot.recoveries?.catching = []
        for (member, request) in slot.inForce + waiters.map({ ($0.member, $0.request) }) {
            guard let place = member.membership.find(channel, request) else { continue }
            remove(member, place: place)
            member.unsubscribed(channel, request: request, .insufficientState)
        }
        drop(ifUnused: slot)
    }

    /// A live publication of a channel with history.
    func follow(
        _ prepared: PreparedPublication, _ position: StreamPosition, _ slot: ChannelSlot<Member>,
        excluding excluded: Member?
    ) {
        slot.position = position
        guard slot.recoveries != nil else { return }
        slot.recoveries?.keep(prepared.publication)
        for catching in slot.recoveries?.catching ?? []
        where position.offset > catching.offset && stillWaiting(catching.waiter, in: slot) != nil {
            if case .filtered(let filter) = catching.waiter.selection {
                spend(TurnBudget.filterBytes(filter, prepared.publication.metadata?.tags ?? .none))
            }
            guard catching.waiter.member !== excluded, catching.waiter.selection.takes(prepared.publication) else {
                continue
            }
            enqueue(prepared, for: catching.waiter)
            metrics.counters.add(.deliveries)
        }
    }

    /// A publication is not the next of its stream. Brokers see to it that this does not happen; if it does, clients are told
    /// rather than given a silent gap, and never get anything twice. Returns whether it is to be passed on to who comes then.
    func breaks(
        _ prepared: PreparedPublication, _ position: StreamPosition, _ slot: ChannelSlot<Member>
    ) -> Bool {
        metrics.counters.add(.streamBreaks)
        guard let last = slot.position, position.offset > 0,
            last.epoch != position.epoch || last.offset < position.offset
        else { return false }
        // What came before it in this turn is theirs.
        flush(now: { prepared.receivedAt })
        insufficient(slot.channel, position: StreamPosition(offset: position.offset - 1, epoch: position.epoch))
        return true
    }

    /// The turn is over: who has everything up to here joins the others.
    func joinCaughtUp() {
        let slots = catchingUp
        catchingUp = []
        for slot in slots {
            guard var recoveries = slot.recoveries, let position = slot.position else { continue }
            let (ready, behind) = (
                recoveries.catching.filter { $0.offset <= position.offset },
                recoveries.catching.filter { $0.offset > position.offset }
            )
            recoveries.catching = behind
            slot.recoveries = recoveries.isEmpty ? nil : recoveries
            if !behind.isEmpty { catchingUp.append(slot) }
            for catching in ready {
                guard let place = stillWaiting(catching.waiter, in: slot) else { continue }
                // Others came before it: it begins anew, and is refused then.
                let waiter = catching.waiter
                guard hasRoom(for: waiter, slot) else {
                    remove(waiter.member, place: place)
                    waiter.member.unsubscribed(slot.channel, request: waiter.request, .insufficientState)
                    continue
                }
                guard hasRoom(forFormatOf: waiter, slot) else {
                    remove(waiter.member, place: place)
                    waiter.member.subscribeFailed(slot.channel, request: waiter.request, .tooManyFormats)
                    continue
                }
                join(waiter, slot, place: place)
            }
            drop(ifUnused: slot)
        }
    }

    /// Begins reads for those who ask: one for all that want what they missed, one for all that want the newest, and one for
    /// those that come from another stream. Which of both streams is over, only the broker knows.
    private func read(_ slot: ChannelSlot<Member>) {
        guard var recoveries = slot.recoveries, recoveries.reads.isEmpty, !recoveries.asking.isEmpty else { return }
        let asking = recoveries.asking.filter { stillWaiting($0, in: slot) != nil }
        recoveries.asking = []
        slot.recoveries = recoveries
        var missed: [ChannelSlot<Member>.Waiter] = []
        var newest: [ChannelSlot<Member>.Waiter] = []
        var strangers: [ChannelSlot<Member>.Waiter] = []
        for waiter in asking {
            if case .last = waiter.wish {
                newest.append(waiter)
            } else if waiter.wish.isForeign(to: slot.position) {
                strangers.append(waiter)
            } else {
                missed.append(waiter)
            }
        }
        if !strangers.isEmpty { read(slot, .position, for: strangers) }
        if let since = missed.compactMap(\.wish.since?.offset).min(), let epoch = slot.position?.epoch {
            let query = HistoryQuery(since: StreamPosition(offset: since, epoch: epoch), limit: maxRecovery)
            read(slot, query, for: missed)
        }
        if let count = newest.compactMap(\.wish.count).max() {
            read(slot, HistoryQuery(limit: min(count, maxRecovery), reverse: true), for: newest)
        }
    }

    private func read(_ slot: ChannelSlot<Member>, _ query: HistoryQuery, for waiters: [ChannelSlot<Member>.Waiter]) {
        lastRead += 1
        let (read, channel, mailbox) = (lastRead, slot.channel, mailbox)
        slot.recoveries?.reads[read] = .init(waiters: waiters, query: query)
        if query != .position, let recent, recent.answers(query, of: channel, at: slot.position) {
            slot.recoveries?.reads[read]?.shared = recent.frames
            slot.recoveries?.reads[read]?.isFresh = false
            return mailbox.post(.history(channel, read: read, .success(recent.page)))
        }
        broker.history(channel, query) { mailbox.post(.history(channel, read: read, $0)) }
    }

    /// Answers one client; returns what that was in bytes, about.
    private func answer(
        _ waiter: ChannelSlot<Member>.Waiter, _ answering: Answering, _ slot: ChannelSlot<Member>
    ) -> Int {
        guard stillWaiting(waiter, in: slot) != nil, slot.recoveries != nil, let live = slot.position else { return 0 }
        var answering = answering
        // Nothing was published yet, under whichever epoch it will be.
        if answering.page.position.offset == 0, live.offset == 0 { answering.page.position = live }
        let page = answering.page
        // Redis began another stream, and this loop has yet to hear of it.
        guard page.position.epoch == live.epoch else {
            fail(waiter, slot, .unavailable)
            return 0
        }
        if waiter.wish.isForeign(to: live) {
            begin(waiter, slot, SubscriptionStart(position: live, isComplete: false))
            return 0
        }
        if slot.recoveries?.reads[answering.read]?.query == .position {
            // The stream from which it came has come here meanwhile.
            slot.recoveries?.asking.append(waiter)
            return 0
        }
        let isBehind = page.position.offset < live.offset
        let isOldest = waiter.wish.since?.offset == slot.recoveries?.reads[answering.read]?.since
        if isBehind && slot.recoveries?.hasOverflowed == true || page.isCut && waiter.wish.since != nil && !isOldest {
            slot.recoveries?.asking.append(waiter)
            return 0
        }
        let share = slot.recoveries?.reads[answering.read]?.share ?? 0
        guard let shared = shared(answering, slot), let count = page.count(for: waiter.wish, shared) else {
            var start = SubscriptionStart(position: live, isComplete: false)
            start.read = slot.recoveries?.reads[answering.read]?.cost ?? ReadCost()
            start.asked = share
            begin(waiter, slot, start)
            return 0
        }
        var start = SubscriptionStart(
            position: max(page.position, live), publications: shared.publications(last: count))
        start.shared = shared
        start.read = ReadCost(bytes: start.weight, items: count)
        start.asked = share
        if shared.hasExclusions { start.leaveOut(waiter.member, findClient) }
        if let selection = waiter.selection { start.select(selection) }
        begin(waiter, slot, start)
        // A client costs something, whatever it gets, and a filter for each publication.
        let size = shared.size(last: count) + 1_024
        guard case .filtered(let filter) = waiter.selection else { return size }
        return size + TurnBudget.filterBytes(filter, .none) * count
    }

    /// A page and the live publications behind it, made once; `nil` when something is missing between them, or among them:
    /// the channel may have gone on behind a gap.
    private func shared(_ answering: Answering, _ slot: ChannelSlot<Member>) -> SharedFrames? {
        guard let recoveries = slot.recoveries, let live = slot.position else { return nil }
        let (page, later) = (answering.page, recoveries.recent(after: answering.page.position))
        if let reading = recoveries.reads[answering.read], let shared = reading.shared, reading.later == later.count {
            return shared
        }
        guard let end = page.end(with: later), end >= live.offset else { return nil }
        let isNewestFirst = recoveries.reads[answering.read]?.since == nil
        let shared = SharedFrames((isNewestFirst ? page.publications.reversed() : page.publications) + later)
        slot.recoveries?.reads[answering.read]?.shared = shared
        slot.recoveries?.reads[answering.read]?.later = later.count
        if later.isEmpty, let query = recoveries.reads[answering.read]?.query {
            recent = RecentRead(channel: slot.channel, query: query, page: page, frames: shared)
        }
        return shared
    }

    /// Answers a waiter and lets it join, now or when live traffic is where its answer ends.
    private func begin(
        _ waiter: ChannelSlot<Member>.Waiter, _ slot: ChannelSlot<Member>, _ start: SubscriptionStart
    ) {
        guard let place = stillWaiting(waiter, in: slot) else { return }
        guard hasRoom(for: waiter, slot) else { return fail(waiter, slot, .tooManyFilters) }
        guard hasRoom(forFormatOf: waiter, slot) else { return fail(waiter, slot, .tooManyFormats) }
        let isThere = start.position.map { $0.offset <= slot.position?.offset ?? 0 } ?? true
        if isThere && slot.batched == 0 {
            join(waiter, slot, place: place)
        } else {
            if slot.recoveries == nil { slot.recoveries = PendingRecoveries() }
            slot.recoveries?.catching.append(.init(waiter: waiter, offset: start.position?.offset ?? 0))
            catchingUp.append(slot)
        }
        waiter.member.subscribed(slot.channel, request: waiter.request, start)
    }

    /// Whether the channel may have the filter of one more subscription; counts where not.
    private func hasRoom(for waiter: ChannelSlot<Member>.Waiter, _ slot: ChannelSlot<Member>) -> Bool {
        let hasRoom = slot.hasRoom(for: waiter, maxFilters: maxFilters)
        if !hasRoom { metrics.counters.add(.filterRefusals) }
        return hasRoom
    }

    /// The same for a format that clients make.
    private func hasRoom(forFormatOf waiter: ChannelSlot<Member>.Waiter, _ slot: ChannelSlot<Member>) -> Bool {
        let hasRoom = slot.hasRoom(forFormatOf: waiter)
        if !hasRoom { metrics.counters.add(.formatRefusals) }
        return hasRoom
    }

    private func max(_ one: StreamPosition, _ other: StreamPosition) -> StreamPosition {
        one.offset < other.offset ? other : one
    }
}

extension RecoveryRequest {
    fileprivate var since: StreamPosition? {
        if case .since(let place) = self { place } else { nil }
    }

    fileprivate var count: Int? {
        if case .last(let count) = self { count } else { nil }
    }
}

extension HistoryPage {
    /// The last offset of what came live behind this page; `nil` when something is missing in between.
    fileprivate func end(with later: [Publication]) -> UInt64? {
        var end = position.offset
        for publication in later {
            guard let offset = publication.position?.offset, follows(offset, end) || publication.follows == end else {
                return nil
            }
            end = offset
        }
        return end
    }

    /// How many of the newest publications answer a wish; `nil` when that can't be had.
    fileprivate func count(for wish: RecoveryRequest, _ shared: SharedFrames) -> Int? {
        switch wish {
        case .none: return 0
        case .last(let count): return min(count, shared.count)
        case .since(var place):
            if place.epoch.isEmpty, place.offset == 0 { place.epoch = position.epoch }
            guard !isCut, holds(everythingAfter: place) else { return nil }
            return shared.count(after: place.offset)
        }
    }
}
