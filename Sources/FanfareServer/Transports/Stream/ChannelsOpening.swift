import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes

/// A stream of several channels before it begins: subscribes to one after the other, a turn each, and answers when all are in
/// force. What comes meanwhile for those that are waits here.
final class ChannelsOpening: TurnTaker {
    typealias Channel = (name: ChannelName, rules: ChannelRules)

    private let exchange: Exchange
    private let form: StreamForm
    private let channels: [Channel]
    private let wishes: [RecoveryRequest]
    /// Whether the reader came back with what is no place in these channels.
    private let isLost: Bool
    private var client: Client?
    private var starts: [SubscriptionStart] = []
    /// Bytes that recoveries may still bring, as they leave.
    private var recoveryLeft = HistoryPage.maximumBytes

    init(
        _ exchange: Exchange, _ form: StreamForm, _ channels: [Channel],
        _ start: (wishes: [RecoveryRequest], isLost: Bool)
    ) {
        (self.exchange, self.form, self.channels) = (exchange, form, channels)
        (wishes, isLost) = start
    }

    /// Takes a place for the client, and begins with its subscriptions.
    func begin(_ session: RawSession) {
        let loop = exchange.loop
        client = exchange.admit {
            // Its transport is another one once it is known where the reader is.
            Client(
                loop: loop, session: .raw(session), transport: StreamTransport(form), wireFormat: form.channelsFormat)
        }
        guard let client else { return }
        exchange.onGone = { client.finish() }
        client.opening = ClientOpening(limit: client.limits.maxQueueBytes) { [self] in subscribed($0) }
        subscribe()
    }

    /// Its turn has come.
    func takeTurn() {
        guard client?.life.phase == .opening else { return }
        if starts.count < channels.count { subscribe() } else { answer() }
    }

    private func subscribe() {
        guard let client else { return }
        let index = starts.count
        guard wishes[index] == .none || client.mayRecover else { return refuseRecovery() }
        exchange.loop.flushHub()
        exchange.loop.shard.subscribe(
            client, to: channels[index].name, request: UInt32(index),
            wish: recoveryLeft > 0 ? wishes[index] : .none,
            lead: form.messages == .events ? .fixed([UInt8(index)]) : nil)
    }

    private func subscribed(_ result: Result<SubscriptionStart, BrokerError>) {
        switch result {
        case .success(var start):
            let index = starts.count
            if recoveryLeft <= 0, wishes[index] != .none { start.isComplete = false }
            var cost = Self.cost(start, channels[index].name, form.messages)
            if cost > recoveryLeft + HistoryPage.maximumBytes {
                // More than may wait for a client beside what is live: it would be cut, whenever it comes back.
                (start.publications, start.shared, start.isComplete, cost) = ([], nil, false, 0)
            }
            guard client?.takeRecovery(cost, of: start) == true else { return refuseRecovery() }
            recoveryLeft -= cost
            starts.append(start)
            // Not now: this may be within the hub's walk over those who wait.
            exchange.loop.turns.add(self)
        case .failure(let error):
            refuse(.brokerUnavailable, .serviceUnavailable, "\(error)", retry: true)
        }
    }

    /// Bytes of what a subscription missed, with all that stands around each publication: an event's id and the channel's name are
    /// more than a small payload.
    static func cost(_ start: SubscriptionStart, _ channel: ChannelName, _ messages: StreamForm.Messages) -> Int {
        let around = messages == .events ? 128 + PositionList.comfortableBytes : 96
        return start.size + start.publications.count * (around + channel.string.utf8.count)
    }

    /// All are in force. The head of the answer says so.
    private func answer() {
        guard let client, let opening = client.opening else { return }
        exchange.loop.flushHub()
        guard !opening.hasOverflowed else {
            return refuse(
                .brokerUnavailable, .serviceUnavailable, "more came than can wait before the stream begins, try again",
                retry: true)
        }
        let begun = zip(channels, starts).map { channel, start in (name: channel.name, origin: start.origin) }
        let places = ReaderPlaces(begun)
        let isEvents = form.messages == .events
        exchange.onGone = nil
        client.opening = nil
        let transport = StreamTransport(form, isEvents ? places : nil)
        transport.client = client
        client.transport = transport
        let head = form.head(places.list.flatMap { $0.isComfortable ? "\($0)" : nil })
        guard exchange.handOver(head, to: transport) else { return client.finish() }
        transport.begin()
        if let prelude = form.opening(
            zip(begun, starts).map { ($0.name, $0.origin, $1.isComplete && !isLost) }, places.list,
            retry: exchange.loop.node.reconnectMilliseconds)
        {
            client.reply(prelude)
        }
        for (index, start) in starts.enumerated() { deliver(start, UInt8(index), to: client) }
        for frame in opening.held { client.enqueue(frame) }
    }

    private func deliver(_ start: SubscriptionStart, _ index: UInt8, to client: Client) {
        guard let transport = client.transport, transport.changesFrames else { return client.deliver(start) }
        for publication in start.publications {
            guard let body = exchange.loop.node.formats.personal(publication, form.channelsFormat) else { continue }
            client.answer(transport.changed(body.frame([index])).joined)
        }
    }

    private func refuseRecovery() {
        refuse(.recoveries, .serviceUnavailable, ClientRequest.tooManyRecoveries, retry: true)
    }

    private func refuse(
        _ reason: RefusalReason, _ status: HTTPResponse.Status, _ message: String, retry: Bool = false
    ) {
        exchange.onGone = nil
        client?.finish()
        client = nil
        exchange.refuse(reason, status, message, retry: retry)
    }
}
