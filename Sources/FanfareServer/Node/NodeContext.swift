import FanfareCore
import FanfareProtocols
import FanfareWire
import Logging
import Synchronization

/// What all event loops of a node share; nothing here is written on a hot path.
final class NodeContext: Sendable {
    /// By which other nodes and the ids of its clients know it.
    let id: NodeID
    let configuration: NodeConfiguration
    let metrics: NodeMetrics
    let broker: any Broker
    let admission: Admission
    /// Memory of what waits for clients, over all event loops.
    let queueMemory: QueueMemory
    let connectRate: RateMeter
    /// What was recovered for clients and is not taken by them.
    let recoveries: ByteBudget
    /// Where requests come from.
    let clientAddresses: ClientAddresses
    /// Users with clients here; `nil` where nothing is limited by user.
    let users: ClientGroups<ExactText>?
    /// Places of sockets without a session.
    let pending: PendingPlaces
    /// Who publishes over HTTP, where clients' publications are limited.
    let publishers: ClientGroups<Publisher>?
    /// How fast a client may send.
    let rates: ClientRates
    let formats: FormatTable
    let clock: NodeClock
    let logger: Logger
    /// Log lines about clients that were refused or ended.
    let refusals: RefusalLog
    /// Tokens, where the configuration has keys for them.
    let tokens: NodeTokens?
    /// The way to what is kept between two polls.
    let polls: PollRelay
    /// The way to sessions that outlive their requests.
    let sessions: SessionRelay
    /// What is the same for all clients of the Centrifuge protocol.
    let centrifuge: CentrifugeSession.SharedPolicy
    /// What is the same for all clients of Socket.IO.
    let socketIO: SocketIOSession.SharedPolicy
    /// What is the same for all clients of STOMP.
    let stomp: STOMPSession.SharedPolicy
    /// Names that clients chose for themselves.
    let names = ClientNames()
    /// What is the same for all clients of MQTT.
    let mqtt: MQTTSession.SharedPolicy
    /// What is the same for all clients of GraphQL.
    let graphQL: GraphQLSession.SharedPolicy
    /// Brings requests of clients to their sessions.
    let emulation: EmulationRelay
    /// The way to what backends want done with clients.
    let commands: CommandRelay
    /// Who answers which request on the public port.
    let router: PublicRouter
    /// TLS of the public port, where the configuration has a certificate.
    let tls: NodeTLS?
    private let bus = Mutex<ControlBus?>(nil)
    private let draining = Atomic<Bool>(false)
    private let accepting = Atomic<Bool>(false)

    init(
        configuration: NodeConfiguration,
        metrics: NodeMetrics,
        broker: any Broker,
        formats: FormatTable,
        clock: NodeClock,
        logger: Logger,
        tokens: NodeTokens? = nil,
        tls: NodeTLS? = nil
    ) {
        let id = NodeID.random()
        self.id = id
        self.polls = PollRelay(id)
        self.sessions = SessionRelay(id, metrics: metrics)
        self.configuration = configuration
        self.metrics = metrics
        self.broker = broker
        self.formats = formats
        self.clock = clock
        self.logger = logger
        self.refusals = RefusalLog(logger)
        self.tokens = tokens
        self.tls = tls
        self.emulation = EmulationRelay(node: id, metrics: metrics)
        self.commands = CommandRelay(node: id)
        self.router = .of(configuration)
        self.queueMemory = QueueMemory(limit: configuration.limits.maxNodeQueueBytes)
        self.admission = Admission(limit: configuration.limits.maxConnections)
        // Conformance suites measure what a node can do, and are nobody's clients.
        self.rates = configuration.echo ? ClientRates() : ClientRates(configuration.limits)
        self.connectRate = RateMeter(Rate(perSecond: configuration.limits.maxConnectRate))
        self.recoveries = ByteBudget(limit: configuration.limits.maxRecoveryBytes)
        self.clientAddresses = ClientAddresses(configuration, metrics: metrics, logger: logger)
        self.pending = PendingPlaces(configuration)
        self.publishers = rates.publications.map { ClientGroups(ClientGroup.Allowance(publications: $0)) }
        let ofUser = configuration.limits.ofUser
        self.users = ofUser.isUnlimited ? nil : ClientGroups(ofUser)
        self.centrifuge = .init(
            configuration.centrifugePolicy(ignoresTokens: Self.ignoresTokens(configuration, tokens)))
        self.stomp = .init(configuration.stompPolicy(ignoresTokens: Self.ignoresTokens(configuration, tokens)))
        self.mqtt = .init(
            configuration.mqttPolicy(ignoresTokens: Self.ignoresTokens(configuration, tokens), clock: clock))
        self.graphQL = .init(configuration.graphQLPolicy(ignoresTokens: Self.ignoresTokens(configuration, tokens)))
        self.socketIO = .init(configuration.socketIOPolicy(ignoresTokens: Self.ignoresTokens(configuration, tokens)))
    }

    /// Messages to other nodes, once the node has started.
    var control: ControlBus? {
        get { bus.withLock(\.self) }
        set { bus.withLock { $0 = newValue } }
    }

    /// Whether the node is on its way out: no new sessions.
    var isDraining: Bool {
        get { draining.load(ordering: .relaxed) }
        set { draining.store(newValue, ordering: .relaxed) }
    }

    /// Whether the public listener is open.
    var isAccepting: Bool {
        get { accepting.load(ordering: .relaxed) }
        set { accepting.store(newValue, ordering: .relaxed) }
    }

    /// Whether deliveries may go past NIO, straight to the socket. What goes past TLS would go unencrypted.
    var writesDirectly: Bool { configuration.directWrite && tls == nil }

    /// Which rules hold for which channel.
    var channels: ChannelRulebook { configuration.channels }

    /// What a client with a token may do, where its capabilities say nothing.
    var userPermissions: ClientPermissions { configuration.userPermissions }

    /// What a client without credentials may do.
    var anonymousPermissions: ClientPermissions { configuration.anonymousPermissions }

    /// Whether tokens mean nothing: on a node for a first try that has no keys.
    var ignoresTokens: Bool { Self.ignoresTokens(configuration, tokens) }

    private static func ignoresTokens(_ configuration: NodeConfiguration, _ tokens: NodeTokens?) -> Bool {
        configuration.dev && tokens == nil
    }

    /// Milliseconds after which a stream's reader that was refused or ended comes back, spread like ``retryAfter``.
    var retryMilliseconds: UInt32 {
        let base = UInt32(configuration.limits.retryAfterSeconds) * 1_000
        return UInt32.random(in: max(base, 250)...max(2 * base, 500))
    }

    /// Milliseconds after which a reader comes back whose stream broke off: about as long as browsers wait by themselves, spread,
    /// so that the clients of a node that died don't all come at once.
    var reconnectMilliseconds: UInt32 { .random(in: 1_000...3_000) }

    /// Seconds for `Retry-After`, spread so that refused clients don't come back together.
    var retryAfter: Int {
        let base = configuration.limits.retryAfterSeconds
        return Int.random(in: base...(2 * base))
    }
}
