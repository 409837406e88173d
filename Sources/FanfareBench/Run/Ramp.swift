import NIOCore

/// Starts the clients of one event loop at the rate that was asked for. Belongs to that event loop.
final class Ramp {
    /// Clients under way at most, on one event loop: a server that accepts slowly is not buried.
    private static let maxConnecting = 256
    private static let pollInterval = TimeAmount.milliseconds(10)

    private let loop: ClientLoop
    private let connector: Connector
    /// Clients are dealt out to event loops like cards.
    private let indices: [Int]
    private let rate: Double
    private var started = 0
    private var isStopped = false
    private let began = MonotonicClock.microseconds

    init(loop: ClientLoop, connector: Connector, index: Int) {
        self.loop = loop
        self.connector = connector
        indices = Array(stride(from: index, to: loop.plan.clients, by: loop.plan.threads))
        rate = loop.plan.ramp / Double(loop.plan.threads)
    }

    /// Runs until all clients are connected or never will be. The one timer of all clients of this event loop: it also
    /// watches their deadlines.
    func run() {
        guard !advance() else { return }
        loop.eventLoop.assumeIsolated().scheduleTask(in: Self.pollInterval) { self.run() }
    }

    /// Starts no further clients and gives up those under way.
    func stop() {
        isStopped = true
        loop.checkDeadlines(now: .max)
    }

    /// Whether all clients are connected or never will be.
    private func advance() -> Bool {
        let now = MonotonicClock.microseconds
        loop.checkDeadlines(now: now)
        guard !isStopped else { return true }
        let due = min(indices.count, Int(Double(now - began) / 1_000_000 * rate) + 1)
        while started < due, started - decided < Self.maxConnecting {
            startClient(indices[started])
            started += 1
        }
        return decided == indices.count
    }

    private var decided: Int {
        let counts = loop.counts
        return counts.connected.load(ordering: .relaxed) + counts.refused.load(ordering: .relaxed)
            + counts.lost.load(ordering: .relaxed)
    }

    private func startClient(_ index: Int) {
        let plan = loop.plan
        let client = BenchClient(channel: index % plan.channels, loop: loop)
        loop.connecting.append(client)
        let sources = plan.sourceAddresses
        connector.connect(on: loop.eventLoop, from: sources.isEmpty ? nil : sources[index % sources.count]) { client }
            .assumeIsolated()
            .whenFailure { client.giveUp(ConnectFailure.describe($0)) }
    }
}
