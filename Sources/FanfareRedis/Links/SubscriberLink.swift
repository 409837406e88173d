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
    private var bursts: [Burst]
    /// When the burst that is being read began.
    private var burstAt: UInt64?
    private var downSince: UInt64
    private var isSettled = false

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, formats: FormatsInUse,
        clock: NodeClock, board: LinkBoard, inbox: Mailbox<Wish>, receivers: [Mailbox<BrokerEvent>],
        probe: ProbeChannel, rules: ChannelRulebook, pages: Mailbox<StreamDesk.Answer>,
        onHearing: @escaping () -> Void, onRead: @escaping (StreamDesk.Read) -> Void
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
        self.prefix = Array(configuration.prefix.utf8)
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
        var bytes = ByteBuffer()
        RedisCommand.write(["SUBSCRIBE", probe.name], into: &bytes)
        link.write(bytes)
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
            // Redis answers a refused SUBSCRIBE once for all its channels: which of them we have is unknown then.
            return link.drop(.refused(command: "SUBSCRIBE", words: error))
        }
        guard let kind = reply[0]?.bytes, let name = reply[1]?.bytes, let first = kind.first else { return }
        switch (first, kind.count) {
        case (UInt8(ascii: "m"), 7):
            if let payload = reply[2]?.bytes { message(name, payload) }
        case (UInt8(ascii: "s"), 9):
            if probe.isName(name) {
                probe.setHeard(true)
                onHearing()
            } else if let channel = channel(name) {
                confirmed(channel)
            }
        default:
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
            metrics.probeRoundTrip.record(microseconds: Int(truncatingIfNeeded: took))
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
        default:
            metrics.counters.addShared(.dropped)
        }
    }

    private func received(_ publication: Publication) {
        metrics.counters.addShared(.received)
        if publication.publishedAt != 0 {
            metrics.lag.record(microseconds: Int(truncatingIfNeeded: now() &- publication.publishedAt))
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

    private func channel(_ name: UnsafeRawBufferPointer) -> ChannelName? { names.name(name, prefix: prefix) }

    /// Bytes that a publication takes besides its payload, about.
    private static let publicationOverhead = 256

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
            if case .publication = event {
                metrics.counters.addShared(.dropped)
            } else {
                receivers[receiver].post(event)
            }
        }
    }

    private func sendCommands() {
        let commands = book.takeCommands(batch: configuration.subscribeBatch)
        guard !commands.isEmpty else { return }
        var bytes = ByteBuffer()
        for command in commands {
            let (verb, channels) =
                switch command {
                case .subscribe(let channels): ("SUBSCRIBE", channels)
                case .unsubscribe(let channels): ("UNSUBSCRIBE", channels)
                }
            RedisCommand.write([verb] + channels.map { configuration.prefix + $0.string }, into: &bytes)
        }
        link.write(bytes)
        metrics.counters.set(.channels, book.wantedCount)
    }

    private func noteSettled() {
        guard book.isSettled, desk.isSettled, !isSettled else { return }
        isSettled = true
        board.set(.subscribe, nil)
        let took = clock.monotonicMicroseconds() &- downSince
        metrics.resubscribe.record(microseconds: Int(truncatingIfNeeded: took))
    }
}
