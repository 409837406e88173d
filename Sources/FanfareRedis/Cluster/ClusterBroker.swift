import FanfareCore
import FanfareWire
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The broker over a Redis Cluster with sharded Pub/Sub: one ``RedisBroker`` for each master, and channels where their
/// slots live. When a slot moves, its subscriptions move with it; who has them gets no second answer.
///
/// See ``Broker`` for the contract.
public final class ClusterBroker: Broker {
    struct Node {
        let broker: RedisBroker
        /// Its answers and publications, on their way to the receivers.
        let mailboxes: [Mailbox<BrokerEvent>]
        var probeTag: String
    }

    struct State {
        var machine = ClusterStateMachine()
        var nodes: [RedisEndpoint: Node] = [:]
        var receivers: [Mailbox<BrokerEvent>] = []
        /// Until then two nodes may both send what is published in a channel.
        var movingUntil: UInt64 = 0
        /// Why there is no map.
        var problem: String? = "the cluster's map is not known yet"
        /// Ends of brokers whose nodes are masters no more.
        var retired: [Int: Task<Void, Never>] = [:]
        var retiredCount = 0
        var isStopped = false
    }

    let state = Mutex(State())
    let configuration: RedisConfiguration
    let metrics: BrokerMetrics
    let clock: NodeClock
    let group: MultiThreadedEventLoopGroup
    /// Calls that wait for a slot to arrive.
    let waitingCalls = Atomic<Int>(0)
    private let ownsGroup: Bool
    private let seeds: [RedisEndpoint]
    private let rules: ChannelRulebook
    private let nodeName: String
    private let formats: FormatTable
    private let logger: Logger
    private let watch: NIOLoopBoundBox<ClusterWatch?>

    /// - Parameters:
    ///   - configuration: of all links; its address is not used.
    ///   - seeds: nodes of the cluster that are asked for the others; at least one.
    ///   - nodeName: for `CLIENT LIST`.
    ///   - group: event loops for all links; by default threads of its own.
    public init(
        configuration: RedisConfiguration, seeds: [RedisEndpoint], rules: ChannelRulebook = ChannelRulebook(),
        nodeName: String, metrics: BrokerMetrics, formats: FormatTable, logger: Logger, clock: NodeClock = .system,
        group: MultiThreadedEventLoopGroup? = nil
    ) {
        self.seeds = seeds
        self.configuration = configuration
        self.rules = rules
        self.nodeName = nodeName
        self.metrics = metrics
        self.formats = formats
        self.logger = logger
        self.clock = clock
        self.ownsGroup = group == nil
        self.group = group ?? RedisTopology.threads(instances: .max)
        self.watch = NIOLoopBoundBox.makeEmptyBox(valueType: ClusterWatch.self, eventLoop: self.group.next())
        // A broker takes an event loop for each of its links.
        for _ in 1..<RedisBroker.links { _ = self.group.next() }
    }

    public var status: BrokerStatus {
        let (problem, open, nodes) = state.withLock { ($0.problem, $0.machine.map.openSlots, $0.nodes) }
        for (endpoint, node) in nodes {
            let status = node.broker.status
            if !status.isUp {
                let reasons = ["master \(endpoint): \(status.problem ?? "is away")", problem].compactMap(\.self)
                return BrokerStatus(isUp: false, problem: "redis cluster: " + reasons.joined(separator: "; "))
            }
        }
        guard open == 0 else {
            return BrokerStatus(isUp: false, problem: "redis cluster: \(problem ?? "\(open) slots have no master")")
        }
        return BrokerStatus(isUp: true)
    }

    public func start(receivers: [Mailbox<BrokerEvent>]) {
        state.withLock { $0.receivers = receivers }
        watch.eventLoop.execute { [self] in
            let watch = ClusterWatch(
                seeds: seeds, configuration: nodeConfiguration(seeds[0]), clientName: "fanfare-\(nodeName)-cluster",
                eventLoop: watch.eventLoop, clock: clock, isWell: { [weak self] in self?.status.isUp == true },
                onMap: { [weak self] map in self?.take(map) },
                onProblem: { [weak self] problem in self?.state.withLock { $0.problem = problem } })
            self.watch.value = watch
            watch.start()
        }
    }

    public func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {
        // Under the lock: a slot that moves between decision and deed would leave a subscription behind.
        state.withLock { state in
            let action = state.machine.subscribe(channel, receiver: receiver, ticket: ticket)
            carryOut([action], &state)
        }
    }

    public func unsubscribe(_ channel: ChannelName, receiver: Int) {
        state.withLock { state in
            if let action = state.machine.unsubscribe(channel, receiver: receiver) { carryOut([action], &state) }
        }
    }

    public func shutdown() async {
        let deadline = ContinuousClock.now + .seconds(3)
        while waitingCalls.load(ordering: .relaxed) > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
        let (isFirst, brokers, retired) = state.withLock { state in
            defer { state.isStopped = true }
            return (!state.isStopped, state.nodes.values.map(\.broker), Array(state.retired.values))
        }
        guard isFirst else { return }
        let watch = self.watch
        try? await watch.eventLoop.submit { watch.value?.stop() }.get()
        await withTaskGroup(of: Void.self) { group in
            for broker in brokers { group.addTask { await broker.shutdown() } }
            for task in retired { group.addTask { await task.value } }
        }
        if ownsGroup { try? await group.shutdownGracefully() }
    }

    /// The map is out of date, or may be.
    func requestMap() {
        let watch = self.watch
        watch.eventLoop.execute { watch.value?.request() }
    }

    /// A broker for a node. It is given mailboxes of its own: answers and publications are looked through.
    func makeNode(_ endpoint: RedisEndpoint, tag: String, receivers: Int) -> Node {
        let broker = RedisBroker(
            configuration: nodeConfiguration(endpoint), rules: rules, nodeName: nodeName, metrics: metrics,
            formats: formats, logger: logger, clock: clock, group: group, probeTag: tag,
            onRedirect: { [weak self] words in _ = self?.redirected(words, by: endpoint) })
        let mailboxes = (0..<receivers).map { receiver in
            Mailbox<BrokerEvent>(wake: { [weak self] in self?.relay(from: endpoint, receiver: receiver) })
        }
        broker.start(receivers: mailboxes)
        return Node(broker: broker, mailboxes: mailboxes, probeTag: tag)
    }

    private func nodeConfiguration(_ endpoint: RedisEndpoint) -> RedisConfiguration {
        var node = configuration
        node.address = .host(endpoint.host, port: endpoint.port)
        node.pubSub = .sharded
        return node
    }
}
