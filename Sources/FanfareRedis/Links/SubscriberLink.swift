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
    private let onHearing: () -> Void
    private var book = SubscriptionBook()
    private var names = ChannelNameCache()
    private let prefix: [UInt8]
    private var bursts: [Burst]
    /// When the burst that is being read began; the clock costs as much as a delivery.
    private var burstAt: UInt64?
    private var downSince: UInt64
    private var isSettled = false

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, formats: FormatsInUse,
        clock: NodeClock, board: LinkBoard, inbox: Mailbox<Wish>, receivers: [Mailbox<BrokerEvent>],
        probe: ProbeChannel,
        onHearing: @escaping () -> Void
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
        self.onHearing = onHearing
        self.prefix = Array(configuration.prefix.utf8)
        self.bursts = Array(repeating: Burst(), count: receivers.count)
        self.downSince = clock.monotonicMicroseconds()
    }

    func start() {
        link.start(owner: self)
        visitMailbox()
    }

    func stop() { link.stop() }

    /// Drops the connection; a new one follows.
    func drop(_ reason: RedisLinkError) { link.drop(reason) }

    /// Takes the wishes that came since the last visit; they leave in one write.
    func visitMailbox() {
        for wish in inbox.take() {
            switch wish {
            case .subscribe(let channel, let receiver, let ticket):
                if let answer = book.subscribe(channel, receiver: receiver, ticket: ticket) { gather(answer) }
            case .unsubscribe(let channel, let receiver):
                book.unsubscribe(channel, receiver: receiver)
            }
        }
        sendCommands()
        post()
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
                for answer in book.confirmed(channel) { gather(answer) }
            }
        default:
            break
        }
    }

    func receivedBurst() {
        burstAt = nil
        post()
        noteSettled()
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
            publication(Publication(channel: channel, payload: payload, publishedAt: acceptedAt))
        case .positioned(let payload, let acceptedAt, let position):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            publication(
                Publication(channel: channel, payload: payload, publishedAt: acceptedAt, position: position))
        default:
            metrics.counters.addShared(.dropped)
        }
    }

    private func publication(_ publication: Publication) {
        metrics.counters.addShared(.received)
        let now = burstAt ?? clock.wallMicroseconds()
        burstAt = now
        if publication.publishedAt != 0 {
            metrics.lag.record(microseconds: Int(truncatingIfNeeded: now &- publication.publishedAt))
        }
        var mask = book.receivers(of: publication.channel)
        guard mask != 0 else { return metrics.counters.addShared(.dropped) }
        let prepared = PreparedPublication(publication, formats: formats.current, receivedAt: now)
        while mask != 0 {
            let receiver = mask.trailingZeroBitCount
            bursts[receiver].events.append(.publication(prepared))
            bursts[receiver].bytes += publication.payload.bytes.readableBytes + Self.publicationOverhead
            mask &= mask - 1
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
        guard book.isSettled, !isSettled else { return }
        isSettled = true
        board.set(.subscribe, nil)
        let took = clock.monotonicMicroseconds() &- downSince
        metrics.resubscribe.record(microseconds: Int(truncatingIfNeeded: took))
    }
}
