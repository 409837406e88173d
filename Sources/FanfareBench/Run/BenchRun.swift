import FanfareRedis
import NIOCore
import Synchronization

/// Ends a run early, from any thread.
public final class BenchControl: Sendable {
    private let stopped = Atomic<Bool>(false)

    public init() {}

    /// Whether the run shall end.
    public var isStopped: Bool { stopped.load(ordering: .relaxed) }

    /// Ends the run; it still makes its report.
    public func stop() { stopped.store(true, ordering: .relaxed) }
}

/// A run from the first connection to the report.
public struct BenchRun {
    /// Between two looks at the counters.
    private static let pollInterval = Duration.milliseconds(20)
    /// After so long without a delivery nothing more is waited for.
    private static let quiet = Duration.seconds(10)

    private let plan: BenchPlan
    private let control: BenchControl
    private var progress: BenchProgress
    private let fleet: Fleet
    private let publisher: PublishFleet
    private let links: [NIOLoopBound<PublishLink>]
    private var total = Tally()
    private var nextProgress = MonotonicClock.microseconds

    /// Runs a plan.
    ///
    /// - Parameter progress: where the line goes that shows how it goes.
    /// - Throws: ``BenchFailure`` when no run could be made.
    public static func run(
        _ plan: BenchPlan, control: BenchControl, progress: BenchProgress
    ) async throws -> BenchReport {
        let number = UInt16.random(in: 0...UInt16.max)
        _ = try await ServerUsage.ask(plan.metrics)
        let connector: Connector
        do {
            connector = try Connector(
                plan.target, timeout: plan.connectTimeout, insecure: plan.insecure, caFile: plan.caFile)
        } catch {
            throw BenchFailure("cannot look up \(plan.target.host): \(NetworkFailure.describe(error))")
        }
        let publisher = try await PublishFleet(plan: plan, run: number)
        let links = try await publisher.connect()
        let fleet = try await Fleet(plan: plan, run: number, connector: connector)
        var run = BenchRun(
            plan: plan, control: control, progress: progress, fleet: fleet, publisher: publisher, links: links)
        return try await run.wholeRun()
    }

    private init(
        plan: BenchPlan, control: BenchControl, progress: BenchProgress, fleet: Fleet, publisher: PublishFleet,
        links: [NIOLoopBound<PublishLink>]
    ) {
        self.plan = plan
        self.control = control
        self.progress = progress
        self.fleet = fleet
        self.publisher = publisher
        self.links = links
    }

    private mutating func wholeRun() async throws -> BenchReport {
        try await connect()
        let connected = fleet.connected
        let before = try await ServerUsage.ask(plan.metrics)
        let ownBefore = OwnUsage.cpuSeconds
        if connected > 0, !control.isStopped {
            try await publish()
            try await drain()
        }
        let ownAfter = OwnUsage.cpuSeconds
        // A node that died during the run has no figures; the rest of the report is worth having.
        let after = try? await ServerUsage.ask(plan.metrics)
        total.add(try await fleet.take())
        let missing = fleet.missing
        let publications = try await publisher.end()
        try await fleet.end()
        progress.end()
        return BenchReport(
            plan: plan, connected: connected, tally: total, missing: missing, publications: publications,
            server: before.flatMap { before in after.map { $0.since(before) } },
            ownCPUSeconds: ownAfter - ownBefore, interrupted: control.isStopped)
    }

    private mutating func connect() async throws {
        try await wait("connecting") { [plan, control] fleet, _ in
            fleet.connected + fleet.refused + fleet.lost >= plan.clients || control.isStopped
        }
        if control.isStopped { try await fleet.stopRamp() }
    }

    private mutating func publish() async throws {
        let publisher = publisher
        let audience = try await fleet.audience { publisher.clientLost(channel: $0) }
        try await publisher.start(links, audience: audience)
        try await wait("publishing") { [control] fleet, publisher in
            publisher.counts.isOver.load(ordering: .acquiring) || fleet.connected == 0 || control.isStopped
        }
        publisher.stop()
    }

    /// Waits for what is under way, as long as something comes.
    private mutating func drain() async throws {
        var seen = -1
        var quietSince = MonotonicClock.microseconds
        try await wait("waiting") { fleet, publisher in
            let received = fleet.received
            let counts = publisher.counts
            if counts.underWay.load(ordering: .relaxed) == 0, received >= counts.expected.load(ordering: .relaxed) {
                return true
            }
            if received != seen { (seen, quietSince) = (received, MonotonicClock.microseconds) }
            return MonotonicClock.microseconds - quietSince >= Self.quiet.microseconds
        }
    }

    /// Looks at the counters until `isDone`, and shows them meanwhile.
    private mutating func wait(_ phase: String, until isDone: (Fleet, PublishFleet) -> Bool) async throws {
        while true {
            let done = isDone(fleet, publisher)
            let now = MonotonicClock.microseconds
            if now >= nextProgress || done {
                nextProgress = now + progress.interval.microseconds
                let part = try await fleet.take()
                total.add(part)
                progress.show(
                    .init(
                        phase: phase, clients: plan.clients, connected: fleet.connected, received: fleet.received,
                        missing: fleet.missing, p99: part.latency.totalCount == 0 ? nil : part.latency.p(99)),
                    now: now)
            }
            if done { return }
            try await Task.sleep(for: Self.pollInterval)
        }
    }
}

extension ServerUsage {
    /// What was used since then; memory is what it is now.
    func since(_ before: ServerUsage) -> ServerUsage {
        ServerUsage(cpuSeconds: cpuSeconds - before.cpuSeconds, residentBytes: residentBytes)
    }
}
