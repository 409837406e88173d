import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A run from the first process to the report.
package struct ChaosRun: Sendable {
    private let plan: ChaosPlan
    private let control: ChaosControl
    private let progress: ChaosProgress
    private let stage: ChaosStage
    private let loop: NIOLoopBound<ChaosLoop>
    private let phase = Phase()
    private let startedAt = ContinuousClock.now

    /// What the live line says.
    private final class Phase: Sendable {
        let text = Mutex("starting")
    }

    /// Whether networks can be cut here as networks are.
    package static var hasNamespaces: Bool { RedisNetwork.isPossible }

    /// Makes a run.
    ///
    /// - Throws: when the cluster could not be started.
    package static func run(
        _ plan: ChaosPlan, control: ChaosControl = ChaosControl(), progress: ChaosProgress = .silent
    ) async throws -> ChaosReport {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let eventLoop = group.next()
        let stage = try await ChaosStage.start(plan, control: control, on: group.next())
        do {
            let (port, adminPorts) = (stage.nginx.port, stage.adminPorts)
            let loop = try await eventLoop.submit {
                let loop = ChaosLoop(eventLoop: eventLoop, plan: plan, port: port, adminPorts: adminPorts)
                loop.start()
                return NIOLoopBound(loop, eventLoop: eventLoop)
            }.get()
            let run = ChaosRun(plan: plan, control: control, progress: progress, stage: stage, loop: loop)
            let report = try await run.whole()
            try await group.shutdownGracefully()
            return report
        } catch {
            await stage.stop()
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        plan: ChaosPlan, control: ChaosControl, progress: ChaosProgress, stage: ChaosStage,
        loop: NIOLoopBound<ChaosLoop>
    ) {
        self.plan = plan
        self.control = control
        self.progress = progress
        self.stage = stage
        self.loop = loop
    }

    private func whole() async throws -> ChaosReport {
        let line = Task { await showLines() }
        defer { line.cancel() }
        var outcomes: [FaultOutcome] = []
        if try await begin() {
            var deck = FaultDeck(plan)
            let end = ContinuousClock.now + plan.duration
            while !control.isStopped, outcomes.isEmpty || ContinuousClock.now < end {
                let outcome = try await FaultWatch(
                    plan: plan, control: control, stage: stage, loop: loop, number: outcomes.count + 1
                ).watch(deck.draw()) { say($0) }
                outcomes.append(outcome)
                progress.say("\(elapsed.oneDigit) s: \(outcome)")
                if outcome.healed == nil { break }
                say("quiet")
                await control.sleep(plan.quiet)
            }
        }
        try await finish()
        return try await report(outcomes)
    }

    private func say(_ text: String) { phase.text.withLock { $0 = text } }

    private var elapsed: Double { (ContinuousClock.now - startedAt).inSeconds }

    /// All clients come, then traffic begins. Whether all came.
    private func begin() async throws -> Bool {
        say("connecting")
        let isThere = try await wait(plan.patience) { try await sight().whole == plan.clients }
        guard isThere else {
            try await note("not all clients could connect and subscribe: \(try await sight())")
            return false
        }
        try await onLoop {
            $0.startPublishing()
            $0.mayLeave = true
        }
        await control.sleep(min(.seconds(2), plan.quiet))
        return true
    }

    /// Traffic ends, and everything must be everywhere.
    private func finish() async throws {
        say("finishing")
        try await onLoop {
            $0.mayLeave = false
            $0.stopPublishing()
        }
        let isDone = try await wait(plan.patience) {
            try await onLoop { loop in
                loop.isPublished && loop.sight().whole == loop.plan.clients && loop.hasReachedAll(loop.marker())
            }
        }
        if !isDone { try await note("at the end, not everything reached everyone: \(try await sight())") }
        // What was published by clients with an unknown outcome may still be on its way.
        try await Task.sleep(for: .seconds(1))
        try await onLoop { $0.judge.verifyEnd() }
    }

    private func report(_ outcomes: [FaultOutcome]) async throws -> ChaosReport {
        let (sight, violations) = try await onLoop { loop in
            let result = (loop.sight(), loop.judge.violations)
            loop.stop()
            return result
        }
        let seconds = elapsed
        await stage.stop()
        progress.end()
        var report = ChaosReport(
            plan: plan, seconds: seconds, isInterrupted: control.isStopped, sight: sight, faults: outcomes,
            violations: violations)
        if !report.isGood {
            let directory = NSTemporaryDirectory() + "fanfare-chaos-\(plan.seed)-\(getpid())"
            report.evidence = directory
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try report.json().write(toFile: directory + "/report.json", atomically: true, encoding: .utf8)
            try stage.log.write(toFile: directory + "/processes.log", atomically: true, encoding: .utf8)
        }
        return report
    }

    private func note(_ text: String) async throws {
        try await onLoop { $0.judge.note(.unhealed, nil, nil, text) }
    }

    private func sight() async throws -> ChaosLoop.Sight { try await onLoop { $0.sight() } }

    private func onLoop<Value: Sendable>(_ body: @escaping @Sendable (ChaosLoop) -> Value) async throws -> Value {
        try await loop.run(body)
    }

    private func wait(_ limit: Duration, _ isDone: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if try await isDone() { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    private func showLines() async {
        guard progress.isTerminal else { return }
        var before = Judge.Counts()
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            guard let sight = try? await sight(), !Task.isCancelled else { continue }
            let (now, totals) = (sight.judged, sight.totals)
            let bad = Violation.Kind.allCases.map { "\($0.rawValue) \(totals[$0] ?? 0)" }.joined(separator: " ")
            progress.live(
                "\(Int(elapsed)) s \(phase.text.withLock(\.self)) | \(sight.whole)/\(plan.clients) clients | "
                    + "\(now.acknowledged - before.acknowledged) in/s \(now.deliveries - before.deliveries) out/s | \(bad)"
            )
            before = now
        }
    }
}

extension NIOLoopBound<ChaosLoop> {
    /// Runs something where the clients live.
    func run<Result: Sendable>(_ body: @escaping @Sendable (ChaosLoop) -> Result) async throws -> Result {
        try await eventLoop.submit { body(self.value) }.get()
    }
}
