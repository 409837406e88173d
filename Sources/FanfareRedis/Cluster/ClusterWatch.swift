import FanfareCore
import NIOCore

/// Reads the map of a Redis Cluster: now and then, soon when something is wrong, and at once when a node redirects.
///
/// Lives on one event loop.
final class ClusterWatch {
    /// Between two looks while a node is away.
    private static let troubledInterval = Duration.seconds(1)
    /// Between two looks that were asked for.
    private static let shortestInterval = Duration.milliseconds(200)

    private let seedConnection: SeedConnection
    private let seeds: [RedisEndpoint]
    private let eventLoop: any EventLoop
    private let clock: NodeClock
    private let interval: Duration
    private let isWell: () -> Bool
    private let onMap: (ClusterMap) -> Void
    private let onProblem: (String) -> Void
    private var task: RepeatedTask?
    private var isAsking = false
    private var isRequested = true
    private var askedAt: UInt64?

    init(
        seeds: [RedisEndpoint], configuration: RedisConfiguration, clientName: String, eventLoop: any EventLoop,
        clock: NodeClock, isWell: @escaping () -> Bool, onMap: @escaping (ClusterMap) -> Void,
        onProblem: @escaping (String) -> Void
    ) {
        self.seeds = seeds
        self.seedConnection = SeedConnection(
            servers: seeds, configuration: configuration, clientName: clientName, eventLoop: eventLoop)
        self.eventLoop = eventLoop
        self.clock = clock
        self.interval = configuration.mapInterval
        self.isWell = isWell
        self.onMap = onMap
        self.onProblem = onProblem
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let period = TimeAmount.microseconds(Int64(Self.shortestInterval.microseconds))
        task = eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: period) { _ in bound.value.lookIfDue() }
    }

    func stop() {
        task?.cancel()
        task = nil
        seedConnection.stop()
    }

    /// The map is out of date.
    func request() {
        isRequested = true
        lookIfDue()
    }

    private func lookIfDue() {
        guard task != nil, !isAsking else { return }
        let now = clock.monotonicMicroseconds()
        let isTroubled = !isWell()
        let wait = isRequested ? Self.shortestInterval : isTroubled ? Self.troubledInterval : interval
        if let askedAt, now &- askedAt < wait.microseconds { return }
        // The one that answered last may be the one that is behind.
        if isTroubled, askedAt != nil { seedConnection.turn() }
        isAsking = true
        isRequested = false
        askedAt = now
        look()
    }

    private func look() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        // A node that is cut off from the others still tells what it knew.
        seedConnection.ask(["CLUSTER", "INFO"]) { answer in
            answer.text?.contains("cluster_state:ok") == true ? nil : "cluster_state is not ok"
        }.flatMap { _ in
            bound.value.seedConnection.ask(["CLUSTER", "SLOTS"]) { answer in
                ClusterMap(answer, asked: RedisEndpoint(host: "", port: 0))?.masters.isEmpty == false
                    ? nil : "knows no slots"
            }
        }.whenComplete { result in
            let watch = bound.value
            watch.isAsking = false
            guard watch.task != nil else { return }
            switch result {
            case .success(let answer):
                guard let map = ClusterMap(answer.value, asked: answer.from) else { return }
                watch.seedConnection.setServers(map.nodes + watch.seeds.filter { !map.nodes.contains($0) })
                watch.onMap(map)
            case .failure(let error): watch.onProblem("\(error)")
            }
        }
    }
}
