import FanfareCore
import FanfareWire
import Logging
import NIOCore

/// The link that hears: keeps Redis subscribed to what this node wants and hands publications to the event loops.
///
/// Lives on its own event loop, which does nothing else: Redis cuts a subscriber that lags 32 MB behind, so nothing here
/// waits for a client.
final class SubscriberLink: RedisLinkOwner {
    /// A wish of an event loop.
    enum Wish: Sendable {
        case subscribe(ChannelName, receiver: Int, ticket: UInt64)
        case unsubscribe(ChannelName, receiver: Int)
        /// Takes over a subscription that is in force elsewhere, without an answer.
        case adopt(ChannelName, receivers: [Int], position: StreamPosition?)
        /// The probe needs another name, with that hash tag.
        case probe(tag: String)
    }

    /// What one read brought for one event loop.
    private struct Burst {
        var events: [BrokerEvent] = []
        /// Bytes of the publications among them.
        var bytes = 0
    }

    private let link: RedisLink
    private let configuration: RedisConfiguration
    private let metrics: BrokerMetrics
    private let formats: FormatsInUse
    private let clock: NodeClock
    private let board: LinkBoard
    private let inbox: Mailbox<Wish>
    private let receivers: [Mailbox<BrokerEvent>]
    private let probe: ProbeChannel
    private let rules: ChannelRulebook
    private let pages: Mailbox<StreamDesk.Answer>
    private let onHearing: () -> Void
    private let onRead: (StreamDesk.Read) -> Void
    private var book = SubscriptionBook()
    private var desk: StreamDesk
    private var losses = LossCounter()
    private var checks: RepeatedTask?
    private var names = ChannelNameCache()
    private let prefix: [UInt8]
    private let suffix: [UInt8]
    private let onRedirect: (String) -> Void
    /// In a Redis Cluster: what was sent and is not answered.
    private var sharded = ShardedCommands()
    private var isRetrying = false
    private var bursts: [Burst]
    /// When the burst that is being read began.
    private var burstAt: UInt64?
    private var downSince: UInt64
    private var isSettled = false
    /// What this link has added to the gauge of channels.
    private var countedChannels = 0

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, formats: FormatsInUse,
        clock: NodeClock, board: LinkBoard, inbox: Mailbox<Wish>, receivers: [Mailbox<BrokerEvent>],
        probe: ProbeChannel, rules: ChannelRulebook, pages: Mailbox<StreamDesk.Answer>,
        onHearing: @escaping () -> Void, onRead: @escaping (StreamDesk.Read) -> Void,
        onRedirect: @escaping (String) -> Void
    ) {
        self.link = link
        self.configuration = configuration
        self.metrics = metrics
        self.formats = formats
        self.clock = clock
        self.board = board
        self.inbox = inbox
        self.receivers = receivers
        self.probe = probe
        self.rules = rules
        self.pages = pages
        self.desk = StreamDesk(metrics: metrics)
        self.onHearing = onHearing
        self.onRead = onRead
        self.onRedirect = onRedirect
        let affixes = configuration.pubSub.affixes(configuration.prefix)
        self.prefix = Array(affixes.before.utf8)
        self.suffix = Array(affixes.after.utf8)
        self.bursts = Array(repeating: Burst(), count: receivers.count)
        self.downSince = clock.monotonicMicroseconds()
    }

    func start() {
        link.start(owner: self)
        visitMailbox()
        if rules.hasHistory { startChecks() }
    }

    func stop() {
        checks?.cancel()
        link.stop()
        countChannels(0)
    }

    /// Drops the connection; a new one follows.
    func drop(_ reason: RedisLinkError) { link.drop(reason) }

    /// Takes the wishes that came since the last visit; they leave in one write.
    func visitMailbox() {
        for wish in inbox.take() {
            switch wish {
            case .subscribe(let channel, let receiver, let ticket):
                if let answer = book.subscribe(channel, receiver: receiver, ticket: ticket) { answered(answer) }
            case .unsubscribe(let channel, let receiver):
                leave(channel, receiver: receiver)
            case .adopt(let channel, let receivers, let position):
                for receiver in receivers { book.adopt(channel, receiver: receiver) }
                if let position {
                    desk.adopt(channel, at: position)
                    // It may have been left and taken again within one visit: then no confirmation comes.
                    if book.isInForce(channel) { desk.confirmed(channel, []) }
                }
            case .probe(let tag):
                probe.rename(tag: tag)
                subscribeProbe()
            }
        }
        sendCommands()
        settle()
    }

    /// The other link is there: streams that it could not read are read now.
    func retryReads() {
        guard link.isReady else { return }
        desk.retry()
        settle()
    }

    /// Takes the answers to reads that came since the last visit.
    func visitPages() {
        for answer in pages.take() { perform(desk.answered(answer)) }
        sendCommands()
        settle()
    }

    /// Sends what came together: reads, and events for the event loops.
    func settle() {
        for read in desk.takeReads() { onRead(read) }
        post()
        noteSettled()
    }

    func linkIsReady() {
        if link.connections > 1 { metrics.counters.addShared(.reconnects) }
        sharded.reset()
        subscribeProbe()
        book.linkIsUp()
        sendCommands()
        board.set(.subscribe, "subscribing to \(book.wantedCount) channels")
        noteSettled()
    }

    func linkIsLost(_ problem: String) {
        if isSettled {
            isSettled = false
            downSince = clock.monotonicMicroseconds()
        }
        board.set(.subscribe, problem)
        board.set(.probe, "no probe came back yet")
        probe.setHeard(false)
        for answer in book.linkIsLost() { gather(answer) }
        perform(desk.linkIsLost())
        post()
    }

    func received(_ reply: ReplyView) {
        if let error = reply.error {
            if configuration.pubSub == .sharded, isRedirect(error) { return }
            // Redis answers a refused SUBSCRIBE once for all its channels: which of them we have is unknown then.
            return link.drop(.refused(command: "SUBSCRIBE", words: error))
        }
        guard let kind = reply[0]?.bytes, let name = reply[1]?.bytes else { return }
        switch PubSubKind.event(kind) {
        case .message:
            if let payload = reply[2]?.bytes { message(name, payload) }
        case .subscribed:
            if probe.isName(name) {
                sharded.subscribed(nil)
                probe.setHeard(true)
                onHearing()
            } else if let channel = channel(name) {
                sharded.subscribed(channel)
                confirmed(channel)
            }
        case .unsubscribed:
            if configuration.pubSub == .sharded { unsubscribed(name) }
        case nil:
            break
        }
    }

    func receivedBurst() {
        burstAt = nil
        settle()
    }

    private func message(_ name: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= configuration.maxPayloadBytes + Envelope.maximumHeaderBytes else {
            return metrics.counters.addShared(.dropped)
        }
        switch Envelope.read(bytes) {
        case .probe(let number) where probe.isName(name):
            guard let took = probe.answered(number) else { return }
            metrics.counters.addShared(.probesAnswered)
            metrics.probeRoundTrip.recordShared(microseconds: Int(truncatingIfNeeded: took))
            board.set(.probe, nil)
        case .publication(let payload, let acceptedAt):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            received(Publication(channel: channel, payload: payload, publishedAt: acceptedAt))
        case .numbered(let payload, let acceptedAt, let number):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            let lost = losses.take(number, in: channel)
            if lost > 0 { metrics.counters.addShared(.lost, lost) }
            received(Publication(channel: channel, payload: payload, publishedAt: acceptedAt))
        case .positioned(let payload, let acceptedAt, let position):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            received(
                Publication(channel: channel, payload: payload, publishedAt: acceptedAt, position: position))
        case .presence(let kind, let info):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            presence(PresenceEvent(channel: channel, kind: kind, info: info))
        default:
            metrics.counters.addShared(.dropped)
        }
    }

    private func presence(_ event: PresenceEvent) {
        metrics.counters.addShared(.presenceEvents)
        guard book.receivers(of: event.channel) != 0 else { return }
        let prepared = PreparedPresenceEvent(event)
        everyone(in: event.channel) { receiver in
            bursts[receiver].events.append(.presence(prepared))
            bursts[receiver].bytes += Self.publicationOverhead
        }
    }

    private func received(_ publication: Publication) {
        metrics.counters.addShared(.received)
        if publication.publishedAt != 0 {
            metrics.lag.recordShared(microseconds: Int(truncatingIfNeeded: now() &- publication.publishedAt))
        }
        guard let place = publication.position else { return deliver(publication) }
        if let action = desk.publication(publication, at: place) { perform([action]) }
    }

    /// The time of this burst: the clock costs as much as a delivery.
    private func now() -> UInt64 {
        let now = burstAt ?? clock.wallMicroseconds()
        burstAt = now
        return now
    }

    private func deliver(_ publication: Publication) {
        guard book.receivers(of: publication.channel) != 0 else { return metrics.counters.addShared(.dropped) }
        let prepared = PreparedPublication(publication, formats: formats.current, receivedAt: now())
        everyone(in: publication.channel) { receiver in
            bursts[receiver].events.append(.publication(prepared))
            bursts[receiver].bytes += publication.payload.bytes.readableBytes + Self.publicationOverhead
        }
    }

    /// Redis confirmed a SUBSCRIBE: who waited has its channel, where there is history with a position.
    private func confirmed(_ channel: ChannelName) {
        let answers = book.confirmed(channel)
        guard rules.rules(channel)?.history != nil else {
            for answer in answers { gather(answer) }
            return
        }
        if book.isInForce(channel) { desk.confirmed(channel, answers.compactMap(\.waiter)) }
    }

    /// A wish that needs no command.
    private func answered(_ answer: SubscriptionBook.Answer) {
        guard case .subscribed(let channel, _, _) = answer.event, rules.rules(channel)?.history != nil,
            let waiter = answer.waiter
        else { return gather(answer) }
        if let action = desk.join(channel, waiter) { perform([action]) }
    }

    private func leave(_ channel: ChannelName, receiver: Int) {
        book.unsubscribe(channel, receiver: receiver)
        desk.leave(channel, receiver: receiver)
        guard book.receivers(of: channel) == 0 else { return }
        desk.forget(channel)
        losses.forget(channel)
    }

    private func perform(_ actions: [StreamDesk.Action]) {
        for action in actions {
            switch action {
            case .deliver(let publication):
                deliver(publication)
            case .insufficient(let channel, let position):
                everyone(in: channel) { bursts[$0].events.append(.insufficient(channel, position: position)) }
            case .subscribed(let channel, let waiter, let position):
                bursts[waiter.receiver].events.append(
                    .subscribed(channel, ticket: waiter.ticket, position: position))
            case .failed(let channel, let waiter, let error):
                bursts[waiter.receiver].events.append(.subscribeFailed(channel, ticket: waiter.ticket, error))
                leave(channel, receiver: waiter.receiver)
            }
        }
    }

    private func everyone(in channel: ChannelName, _ body: (Int) -> Void) {
        var mask = book.receivers(of: channel)
        while mask != 0 {
            body(mask.trailingZeroBitCount)
            mask &= mask - 1
        }
    }

    /// Once a second: what failed is tried again, and a part of the channels is held against its streams.
    private func startChecks() {
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let parts = max(1, Int(configuration.positionCheckInterval.components.seconds))
        let period = TimeAmount.microseconds(
            Int64(configuration.positionCheckInterval.microseconds) / Int64(parts))
        checks = link.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            bound.value.desk.check(parts: parts)
            bound.value.retryReads()
        }
    }

    private func channel(_ name: UnsafeRawBufferPointer) -> ChannelName? {
        names.name(name, prefix: prefix, suffix: suffix)
    }

    /// Bytes that a publication takes besides its payload, about.
    static let publicationOverhead = 256

    private func gather(_ answer: SubscriptionBook.Answer) { bursts[answer.receiver].events.append(answer.event) }

    /// One post, and so one wake-up at most, for each event loop that something came for.
    private func post() {
        for (index, burst) in bursts.enumerated() where !burst.events.isEmpty {
            let isTaken = receivers[index].post(
                contentsOf: burst.events, weight: burst.bytes, limit: configuration.maxBacklogBytes)
            if !isTaken { drop(burst, receiver: index) }
            bursts[index].events.removeAll(keepingCapacity: burst.events.count <= 1_024)
            bursts[index].bytes = 0
        }
    }

    /// The event loop is too far behind: publications are lost, answers are not.
    private func drop(_ burst: Burst, receiver: Int) {
        for event in burst.events {
            switch event {
            case .publication, .presence: metrics.counters.addShared(.dropped)
            default: receivers[receiver].post(event)
            }
        }
    }

    private func sendCommands() {
        let commands = book.takeCommands(batch: configuration.subscribeBatch)
        guard !commands.isEmpty else { return }
        var bytes = ByteBuffer()
        for command in commands {
            let (isSubscribe, channels) =
                switch command {
                case .subscribe(let channels): (true, channels)
                case .unsubscribe(let channels): (false, channels)
                }
            write(isSubscribe, channels, into: &bytes)
        }
        link.write(bytes)
        countChannels(book.wantedCount)
    }

    private func write(_ isSubscribe: Bool, _ channels: [ChannelName], into bytes: inout ByteBuffer) {
        let kind = configuration.pubSub
        let verb = isSubscribe ? kind.subscribe : kind.unsubscribe
        let affixes = kind.affixes(configuration.prefix)
        func write(_ channels: [ChannelName]) {
            RedisCommand.write([verb] + channels.map { affixes.before + $0.string + affixes.after }, into: &bytes)
        }
        guard kind == .sharded else { return write(channels) }
        for (slot, channels) in ShardedCommands.bySlot(channels) {
            sharded.add(isSubscribe: isSubscribe, slot: slot, channels)
            write(channels)
        }
    }

    private func subscribeProbe() {
        guard link.isReady else { return }
        var bytes = ByteBuffer()
        let name = probe.name
        RedisCommand.write([configuration.pubSub.subscribe, name], into: &bytes)
        if configuration.pubSub == .sharded { sharded.add(isSubscribe: true, slot: HashSlot.slot(of: name.utf8), []) }
        link.write(bytes)
    }

    /// A node of a cluster does not own a slot: what it refused is asked for again in a second, and before that by the
    /// broker at the slot's owner.
    private func isRedirect(_ words: String) -> Bool {
        guard ClusterRedirect(words, from: RedisEndpoint(host: "", port: 0)) != nil else { return false }
        for channel in sharded.refused(words) { book.refused(channel) }
        onRedirect(words)
        guard !isRetrying else { return true }
        isRetrying = true
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        link.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.retry() }
        return true
    }

    /// A node that loses a slot ends its subscriptions unasked. Asked again, it says where the slot went.
    private func unsubscribed(_ name: UnsafeRawBufferPointer) {
        if probe.isName(name) {
            probe.setHeard(false)
            subscribeProbe()
        } else if let channel = channel(name), !sharded.unsubscribed(channel) {
            book.ended(channel)
            sendCommands()
        } else {
            return
        }
        onRedirect(ClusterRedirect.slotLeft)
    }

    private func retry() {
        isRetrying = false
        guard link.isReady else { return }
        book.retry()
        if !probe.isHeard { subscribeProbe() }
        sendCommands()
        noteSettled()
    }

    private func countChannels(_ count: Int) {
        metrics.counters.addShared(.channels, count - countedChannels)
        countedChannels = count
    }

    private func noteSettled() {
        guard book.isSettled, desk.isSettled, !isSettled else { return }
        isSettled = true
        board.set(.subscribe, nil)
        let took = clock.monotonicMicroseconds() &- downSince
        metrics.resubscribe.recordShared(microseconds: Int(truncatingIfNeeded: took))
    }
}
