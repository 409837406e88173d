import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Logging
import Synchronization
import Testing

@testable import FanfareRedis

/// A broker with mailboxes that a test reads: what the event loops of a node would see.
final class BrokerProbe: Sendable {
    let broker: any Broker
    let metrics: BrokerMetrics
    private let mailboxes: [Mailbox<BrokerEvent>]
    private let seen = Mutex<[[BrokerEvent]]>([])
    private let nextTicket = Atomic<UInt64>(1)

    /// - Parameter others: mailboxes of further receivers.
    init(_ broker: any Broker, metrics: BrokerMetrics, receivers: Int = 2, others: [Mailbox<BrokerEvent>] = []) {
        self.broker = broker
        self.metrics = metrics
        mailboxes = (0..<receivers).map { _ in Mailbox(wake: {}) }
        seen.withLock { $0 = Array(repeating: [], count: receivers) }
        broker.start(receivers: mailboxes + others)
    }

    static func memory(rules: ChannelRulebook = ChannelRulebook()) -> BrokerProbe {
        let metrics = BrokerMetrics()
        return BrokerProbe(MemoryBroker(rules: rules, formats: FormatTable(), metrics: metrics), metrics: metrics)
    }

    static func redis(
        _ url: String, rules: ChannelRulebook = ChannelRulebook(), change: (inout RedisConfiguration) -> Void = { _ in }
    ) throws -> BrokerProbe {
        let metrics = BrokerMetrics()
        return BrokerProbe(try redisBroker(url, rules: rules, metrics: metrics, change: change), metrics: metrics)
    }

    /// A broker that nobody has started. It gives a silent Redis a minute where `change` does not say otherwise: on a machine
    /// that stands still for a second, a shorter limit drops links, and with them what is told once.
    static func redisBroker(
        _ url: String, rules: ChannelRulebook = ChannelRulebook(), metrics: BrokerMetrics,
        change: (inout RedisConfiguration) -> Void = { _ in }
    ) throws -> any Broker {
        let instances = try RedisConfiguration.list(url).map { instance in
            var configuration = instance
            configuration.connectTimeout = patience
            configuration.probeInterval = .seconds(20)
            configuration.commandTimeout = patience
            configuration.readPatience = patience
            configuration.positionCheckInterval = .seconds(1)
            configuration.backoff = .milliseconds(20)...(.milliseconds(200))
            change(&configuration)
            return configuration
        }
        return RedisTopology(
            instances, rules: rules, nodeName: "test", metrics: metrics, formats: FormatTable(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ).makeBroker()
    }

    /// Everything that came for a receiver so far.
    func events(_ receiver: Int = 0) -> [BrokerEvent] {
        seen.withLock { seen in
            seen[receiver] += mailboxes[receiver].take()
            return seen[receiver]
        }
    }

    /// The texts of the publications of a receiver.
    func texts(_ receiver: Int = 0) -> [String] {
        events(receiver).compactMap {
            if case .publication(let prepared) = $0 { String(buffer: prepared.publication.payload.bytes) } else { nil }
        }
    }

    /// The offsets of the publications of a receiver.
    func positions(_ receiver: Int = 0) -> [UInt64] {
        events(receiver).compactMap {
            if case .publication(let prepared) = $0 { prepared.publication.position?.offset } else { nil }
        }
    }

    /// The offsets of the publications of a channel.
    func positions(in channel: String, _ receiver: Int = 0) -> [UInt64] {
        events(receiver).compactMap { event -> UInt64? in
            guard case .publication(let prepared) = event, prepared.publication.channel.string == channel else {
                return nil
            }
            return prepared.publication.position?.offset
        }
    }

    /// Where channels of a receiver went on after gaps that could not be filled.
    func insufficient(_ receiver: Int = 0) -> [StreamPosition] {
        events(receiver).compactMap { if case .insufficient(_, let position) = $0 { position } else { nil } }
    }

    /// Where the first subscription to a channel began.
    func start(of channel: String, receiver: Int = 0) -> StreamPosition? {
        events(receiver).lazy.compactMap { event -> StreamPosition? in
            if case .subscribed(let name, _, let position) = event, name.string == channel { position } else { nil }
        }.first
    }

    func history(_ channel: String, _ query: HistoryQuery) async throws -> HistoryPage {
        let channel = try ChannelName(channel)
        return try await withCheckedContinuation { continuation in
            broker.history(channel, query) { continuation.resume(returning: $0) }
        }.get()
    }

    func isUp() async throws { try await eventually("the broker is up: \(broker.status)") { broker.status.isUp } }

    func isDown() async throws { try await eventually("the broker is down") { !broker.status.isUp } }

    /// Subscribes and waits for the answer.
    func subscribe(_ channel: String, receiver: Int = 0) async throws {
        let ticket = nextTicket.add(1, ordering: .relaxed).oldValue
        broker.subscribe(try ChannelName(channel), receiver: receiver, ticket: ticket)
        try await eventually("\(channel) is subscribed") {
            events(receiver).contains { event in
                if case .subscribed(_, ticket, _) = event { true } else { false }
            }
        }
    }

    /// The ticket of a subscription that is only asked for.
    func ask(_ channel: String, receiver: Int = 0) throws -> UInt64 {
        let ticket = nextTicket.add(1, ordering: .relaxed).oldValue
        broker.subscribe(try ChannelName(channel), receiver: receiver, ticket: ticket)
        return ticket
    }

    /// The publications of a channel that came for a receiver.
    func publications(in channel: String, _ receiver: Int = 0) -> [Publication] {
        events(receiver).compactMap { event -> Publication? in
            guard case .publication(let prepared) = event, prepared.publication.channel.string == channel else {
                return nil
            }
            return prepared.publication
        }
    }

    @discardableResult
    func publish(
        _ channel: String, _ text: String, key: String? = nil
    ) async throws -> Result<PublishReceipt, BrokerError> {
        await publish(
            Publication(
                channel: try ChannelName(channel), payload: Payload(text: text),
                publishedAt: NodeClock.system.wallMicroseconds()), key: key)
    }

    @discardableResult
    func publish(_ publication: Publication, key: String? = nil) async -> Result<PublishReceipt, BrokerError> {
        await publish(publication, PublishOptions(idempotencyKey: key))
    }

    func publish(_ publication: Publication, _ options: PublishOptions) async -> Result<PublishReceipt, BrokerError> {
        await withCheckedContinuation { continuation in
            broker.publish(publication, options: options) { continuation.resume(returning: $0) }
        }
    }
}

extension BrokerProbe {
    /// Publishes until one is taken and heard; for a Redis whose masters change.
    func flows(_ channel: String, _ text: String) async throws {
        try await eventually(within: .seconds(60), "publications flow in \(channel): \(broker.status)") {
            guard case .success = try await publish(channel, text) else { return false }
            do {
                try await eventually(within: .milliseconds(500), "heard") { texts().contains(text) }
                return true
            } catch is NotInTime {
                return false
            }
        }
    }

    /// Publishes 60 KB into a channel with history while nobody looks into the mailbox, whose bound is 20 KB: what is
    /// dropped is told, and no gap is silent.
    func fallsBehindWithoutGap(in channel: String) async throws {
        try await subscribe(channel)
        let start = try #require(start(of: channel)?.offset)
        let text = String(repeating: "x", count: 1_000)
        for _ in 0..<60 { try await publish(channel, text) }
        try await eventually("all have come") { metrics.counters.value(.received) == 60 }
        #expect(metrics.counters.value(.dropped) > 0)
        try await eventually("the event loop knows of all") {
            var heard = start
            for event in events() {
                switch event {
                case .publication(let prepared):
                    let offset = prepared.publication.position?.offset ?? 0
                    #expect(offset == heard + 1)
                    heard = offset
                case .insufficient(_, let position): heard = position.offset
                default: break
                }
            }
            return heard == start + 60
        }
    }
}

/// Runs `body` with a broker that is shut down after it.
func withProbe(_ probe: BrokerProbe, _ body: (BrokerProbe) async throws -> Void) async throws {
    do {
        try await body(probe)
        await probe.broker.shutdown()
    } catch {
        await probe.broker.shutdown()
        throw error
    }
}

/// Runs `body` with a Redis and a broker that is up and follows the rules of ``HistoryContractTests``.
func withHistoryProbe(
    change: (inout RedisConfiguration) -> Void = { _ in }, _ body: (RedisServer, BrokerProbe) async throws -> Void
) async throws {
    try await withRedis { redis in
        try await withProbe(try .redis(redis.url, rules: HistoryContractTests.rules, change: change)) { probe in
            try await probe.isUp()
            try await body(redis, probe)
        }
    }
}

extension RedisConfiguration {
    /// For tests of a Redis that is silent, or of what is asked with each probe: it is found out within a second.
    mutating func hurry() {
        probeInterval = .milliseconds(200)
        commandTimeout = .milliseconds(800)
        readPatience = .seconds(2)
    }
}
