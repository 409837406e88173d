import FanfareWire

/// Everything that a node counts. Event loops count in blocks of their own, so that no two threads write one cache line;
/// a scrape adds them up from outside without visiting a loop.
public final class NodeMetrics: Sendable {
    /// One block per event loop, index = hub shard.
    public let loops: [LoopMetrics]
    /// Counted by the broker's threads.
    public let broker = BrokerMetrics()
    /// Tokens of clients; counted by the event loops and by whoever waited for a key.
    public let tokens = TokenMetrics()
    /// The certificate of the public port.
    public let tls = CounterBlock<TLSCounter>()
    /// Messages from node to node.
    public let control = CounterBlock<ControlCounter>()
    /// Counted by several threads: the listener and the admin API.
    public let shared = CounterBlock<SharedCounter>()

    public init(loops: Int) {
        self.loops = (0..<loops).map { _ in LoopMetrics() }
    }

    /// Sum over the loops.
    public func sum(_ counter: LoopCounter) -> Int { loops.reduce(0) { $0 + $1.counters.value(counter) } }

    /// Clients of that kind now, over the loops.
    public func sum(_ kind: ClientKind) -> Int { loops.reduce(0) { $0 + $1.clients.value(kind) } }

    /// Sum over the loops.
    public func sum(_ reason: RefusalReason) -> Int { loops.reduce(0) { $0 + $1.refusals.value(reason) } }

    /// Times that the rate held a client back, over the loops.
    public func throttled(_ rate: ClientRate) -> Int { loops.reduce(0) { $0 + $1.throttled.value(rate) } }

    /// Commands that the rate refused, over the loops.
    public func refused(_ rate: ClientRate) -> Int { loops.reduce(0) { $0 + $1.rateRefusals.value(rate) } }

    /// Clients ended in that way, over the loops.
    public func sum(_ disconnect: Disconnect) -> Int { sum(DisconnectIndex(disconnect)) }

    /// Clients ended in that way, over the loops.
    public func sum(_ disconnect: DisconnectIndex) -> Int {
        loops.reduce(0) { $0 + $1.disconnects.value(disconnect) }
    }

    /// Sum over the loops of a histogram.
    public func sum(_ histogram: KeyPath<LoopMetrics, DurationHistogram>) -> DurationHistogram.Snapshot {
        var total = DurationHistogram.Snapshot()
        for loop in loops { total += loop[keyPath: histogram].snapshot() }
        return total
    }
}

/// What one event loop counts; written by that loop only.
public final class LoopMetrics: Sendable {
    public let counters = CounterBlock<LoopCounter>()
    /// Clients with a session now, by what they speak over what.
    public let clients = CounterBlock<ClientKind>()
    public let refusals = CounterBlock<RefusalReason>()
    public let disconnects = CounterBlock<DisconnectIndex>()
    /// Times that a client was not read because it was too fast.
    public let throttled = CounterBlock<ClientRate>()
    /// What was refused because it came too fast.
    public let rateRefusals = CounterBlock<ClientRate>()
    /// From a ping to the first sign of life.
    public let pingRoundTrip = DurationHistogram()
    /// From a publication's acceptance by a node to the end of its fan-out on this loop.
    public let deliveryLag = DurationHistogram()
    /// How late the loop's timer wheel ticks: what a new event has to wait for.
    public let loopLag = DurationHistogram()

    public init() {}

    /// Counts the end of a client.
    public func count(_ disconnect: Disconnect) { disconnects.add(DisconnectIndex(disconnect)) }
}

/// Counters and gauges of an event loop.
public enum LoopCounter: Int, CaseIterable, Sendable {
    /// Gauge: clients with a session now.
    case connections
    /// Gauge: sockets without a session now.
    case pendingConnections
    /// Sockets accepted.
    case socketsAccepted
    /// Sessions begun.
    case connectionsAccepted
    /// Gauge: client-channel pairs now.
    case subscriptions
    /// Gauge: channels with a subscriber on this loop now. Summed over loops a channel may count several times.
    case channels
    /// Messages from clients.
    case messagesReceived
    /// Bytes of messages from clients, without framing.
    case bytesReceived
    /// Messages that came to a session here by a request of their own.
    case emulatedMessages
    /// Gauge: sessions that outlive their requests, those that have ended and still say so among them.
    case requestSessions
    /// Bytes of compressed messages from clients as they came.
    case compressedBytesReceived
    /// Bytes of the same messages inflated.
    case inflatedBytesReceived
    /// Bytes of publications' frames before compression.
    case deflateInputBytes
    /// Bytes of the same frames after it.
    case deflateOutputBytes
    /// Publications that clients sent and the node accepted.
    case publicationsIn
    /// Publications that this loop took from the broker.
    case publicationsOut
    /// Publications written to clients, one per subscriber.
    case deliveries
    /// Publications that a newer one replaced for a client that was behind, in channels that keep only the newest.
    case skipped
    /// Writes to sockets that carried deliveries; deliveries / writes is the coalescing ratio.
    case deliveryWrites
    /// Bytes written to sockets, or accepted by their queues.
    case bytesSent
    /// Gauge: bytes that wait for clients to take them.
    case queueBytes
    /// Gauge: memory of these bytes; what clients share counts once.
    case queueMemory
    /// Clients that were cut because all queues of the node together took too much memory.
    case queueCuts
    /// Pings sent.
    case pingsSent
    /// Commands answered with an error.
    case commandErrors
    /// Gauge: clients in channels with presence or join-leave, client-channel pairs.
    case presenceMembers
    /// Times that a publication with a place in a stream was not the next that this loop had to get.
    case streamBreaks
    /// Subscriptions refused, for their channel has as many filters as it may have.
    case filterRefusals
    /// Subscriptions refused, for their channel, their client's address or the node has as many formats as it may have.
    case formatRefusals
    /// Gauge: subscriptions with a filter now.
    case filterSubscriptions
    /// Publications that filters left out, one for each subscriber.
    case filtered
    /// Gauge: subscriptions with deltas now.
    case deltaSubscriptions
    /// Bytes of the data of publications that went out as what changed, for each subscriber.
    case deltaInputBytes
    /// Bytes of the frames that brought them.
    case deltaOutputBytes
    /// Gauge: connections of HTTP/2 now.
    case http2Connections
    /// Streams of HTTP/2 that were begun, a request each.
    case http2Streams
    /// Subscriptions that backends made for clients.
    case commandedSubscribes
    /// Clients that a backend unsubscribed from a channel.
    case commandedUnsubscribes
    /// Clients that a backend ended.
    case commandedDisconnects
    /// Clients whose expiry or info a backend changed.
    case commandedRefreshes
    /// Gauge: sessions of Engine.IO that poll now.
    case pollingSessions
    /// Gauge: their polls that wait for an answer.
    case waitingPolls
    /// Clients of Engine.IO that moved from polling to a WebSocket.
    case engineIOUpgrades
    /// Gauge: sessions of Engine.IO whose client has not come back since the handshake.
    case halfOpenSessions
    /// Such sessions that ended to make room for another.
    case halfOpenCuts
}

/// Counters that several threads write.
public enum SharedCounter: Int, CaseIterable, Sendable {
    /// Times that accepting paused because the process had no free file descriptor (EMFILE, ENFILE).
    case acceptPauses
    /// Publications accepted from the server API.
    case apiPublications
    /// Server API requests answered with an error.
    case apiErrors
    /// Server API requests without a valid key: 401.
    case apiUnauthorized
    /// Requests on the admin port without a key that may be a web page's, or for another host: 403, 421.
    case adminForeign
    /// Gauge: connections of the admin port.
    case adminConnections
    /// Connections of the admin port that were closed to make room for another.
    case adminEvictions
    /// Connections of the admin port that were closed because their readers took nothing of an answer.
    case adminSlowReaders
    /// Requests whose session was on another node.
    case emulationForwarded
    /// Requests of sessions that outlive them, whose session was on another node.
    case sessionForwarded
    /// Searches for such sessions on all nodes.
    case sessionSearches
    /// Upgrades on which a trusted proxy said something that is no address.
    case forwardedMalformed
    /// Upgrades with X-Forwarded-For or Forwarded from peers that are not trusted.
    case forwardedUntrusted
    /// Gauge: Redis instances on which this node hears emitters.
    case emitterLinks
    /// Events of emitters that this node published.
    case emitterEvents
    /// Requests of emitters that this node carried out.
    case emitterRequests
    /// Messages of emitters that were not taken: not of a known form, beyond a bound, or not published.
    case emitterRefused
}

/// Why a client got no session. Raw values index a block, names are the metric's label.
public enum RefusalReason: Int, CaseIterable, Sendable {
    /// The node is full: 503.
    case connectionLimit
    /// Too many sockets without a session: closed, or 503 within a request.
    case pendingLimit
    /// Its address has its share of the sockets without a session: closed.
    case pendingAddressLimit
    /// The node drains: 503.
    case draining
    /// The broker is away and the endpoint needs it: 503.
    case brokerUnavailable
    /// No complete request in time: 408 or closed.
    case handshakeTimeout
    /// Not HTTP, or a malformed or oversized request: 400, 431.
    case badRequest
    /// A channel name against the rules: 400.
    case badChannel
    /// No such path, or a method that it does not take: 404, 405.
    case notFound
    /// Anonymous clients may not connect: 401.
    case unauthorized
    /// A page from elsewhere: 403.
    case origin
    /// Too many sessions began in this second: 503.
    case connectRate
    /// The channel's rules don't let clients do that: 403.
    case forbidden
    /// Too many attempts from its address: 429.
    case addressRate
    /// Its address has as many clients as it may: 429.
    case addressLimit
    /// A trusted proxy that should speak the PROXY protocol did not: closed.
    case proxyProtocol
    /// Its user has as many clients as it may: 429, or error 111.
    case userLimit
    /// Its user, or its address over HTTP, publishes faster than it may: 429.
    case publishRate
    /// No TLS, or none that this node takes: closed.
    case tls
    /// Too many recovered publications wait for clients: 503.
    case recoveries
    /// A request for a session that is not there: 404.
    case noSession
    /// Its session, or a node, has too many requests that are not begun: 429.
    case emulationLimit
    /// A connection of HTTP/2 broke the protocol or flooded: closed.
    case http2

    /// The value of the `reason` label.
    public var label: String {
        switch self {
        case .connectionLimit: "connection_limit"
        case .pendingLimit: "pending_limit"
        case .pendingAddressLimit: "pending_address_limit"
        case .draining: "draining"
        case .brokerUnavailable: "broker_unavailable"
        case .handshakeTimeout: "handshake_timeout"
        case .badRequest: "bad_request"
        case .badChannel: "bad_channel"
        case .notFound: "not_found"
        case .unauthorized: "unauthorized"
        case .origin: "origin"
        case .connectRate: "connect_rate"
        case .forbidden: "forbidden"
        case .addressRate: "address_rate"
        case .addressLimit: "address_limit"
        case .proxyProtocol: "proxy_protocol"
        case .userLimit: "user_limit"
        case .publishRate: "publish_rate"
        case .tls: "tls"
        case .recoveries: "recoveries"
        case .noSession: "no_session"
        case .emulationLimit: "emulation_limit"
        case .http2: "http2"
        }
    }
}

/// ``Disconnect`` as an index into a block. All that applications choose are one, for there may be any number of them.
public struct DisconnectIndex: RawRepresentable, CaseIterable, Hashable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    public init(_ disconnect: Disconnect) { rawValue = Self.index[disconnect] ?? Disconnect.builtIn.count }

    public static let allCases = (0...Disconnect.builtIn.count).map(DisconnectIndex.init(rawValue:))

    /// What metrics and log call it: its close code, or `application`.
    public var label: String { rawValue < Self.labels.count ? Self.labels[rawValue] : "application" }

    private static let labels = Disconnect.builtIn.map { "\($0.code)" }
    private static let index = Dictionary(
        uniqueKeysWithValues: Disconnect.builtIn.enumerated().map { ($0.element, $0.offset) }
    )
}

/// What the broker's threads count: shared, because a broker has threads of its own for its links, and there may be
/// several brokers. Use `addShared` and `recordShared`.
public final class BrokerMetrics: Sendable {
    public let counters = CounterBlock<BrokerCounter>()
    /// From a publication's acceptance by a node to its arrival here through the broker.
    public let lag = DurationHistogram()
    /// From a probe's publish to its arrival.
    public let probeRoundTrip = DurationHistogram()
    /// From a link's loss or start to all channels subscribed again.
    public let resubscribe = DurationHistogram()

    public init() {}
}

extension BrokerMetrics {
    /// So many entries or members could not be read. Mostly none: nothing is written then.
    public func noteUnreadable(_ count: Int) { if count > 0 { counters.addShared(.unreadable, count) } }

    /// So many fields were passed over. Mostly none: nothing is written then.
    public func noteSkipped(fields count: Int) { if count > 0 { counters.addShared(.skippedFields, count) } }
}

/// Counters of the broker; use `addShared`, for links live on threads of their own.
public enum BrokerCounter: Int, CaseIterable, Sendable {
    /// Publications the broker accepted from this node.
    case published
    /// Publications it refused or that were lost with a link.
    case publishFailed
    /// Messages that came in through the subscribing link, probes not counted.
    case received
    /// Messages that came in and were dropped: not a valid envelope, too big, or an event loop is too far behind.
    case dropped
    /// Entries of streams and members in the broker that this node can't read and leaves out, each time that it meets them,
    /// and entries of others that had to go from where a stream goes on.
    case unreadable
    /// Fields of messages and entries that this node does not know or can't read, and goes on without.
    case skippedFields
    /// Gauge: channels subscribed in the broker now.
    case channels
    /// Gauge: publishes that wait for the broker's answer.
    case pendingPublishes
    /// Times a link was established after the first.
    case reconnects
    /// Probes that came back.
    case probesAnswered
    /// Probes that did not come back in time.
    case probesLost
    /// Publishes that an idempotency key showed to be repetitions.
    case duplicates
    /// Reads of a channel's history.
    case historyReads
    /// Times that a channel's stream was found to be ahead of what this node heard.
    case gaps
    /// Publications that this node read from a stream because Pub/Sub did not bring them.
    case repaired
    /// Times that a channel's missing publications were not in its stream any more, or could not be read.
    case insufficient
    /// Publications in channels without history that never came, by the numbers of their publishers.
    case lost
    /// Calls about a channel's members: joins, leaves, refreshes, reads, each for many members at once.
    case presenceCalls
    /// Those that failed.
    case presenceFailed
    /// Joins and leaves that came in.
    case presenceEvents
}
