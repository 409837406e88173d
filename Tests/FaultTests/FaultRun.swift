import FanfareChaos
import Testing

/// Runs of the conservation checker, small and short. Two at a time: each has a cluster of its own.
enum FaultRun {
    private static let turnstile = Turnstile(2)

    /// A small cluster.
    static func plan(_ faults: [Fault]) -> ChaosPlan {
        var plan = ChaosPlan()
        plan.faults = faults
        // One round of one fault: more begin only while this lasts.
        plan.duration = .milliseconds(1)
        plan.seed = UInt64.random(in: 1...999_999)
        plan.clients = 30
        plan.channels = 6
        plan.rate = 150
        plan.quiet = .milliseconds(300)
        plan.stay = .seconds(10)
        plan.patience = .seconds(60)
        plan.probeInterval = .milliseconds(500)
        plan.redisTimeout = .seconds(1)
        return plan
    }

    /// Makes one fault: nothing lost, repeated, reordered or foreign, and nobody told that data is gone that is not.
    static func make(_ fault: Fault) async throws -> FaultOutcome {
        let report = try await run(plan([fault]))
        #expect(report.isGood, "\(report.table)")
        #expect(report.deliveries > 0 && report.publications > 0)
        return try #require(report.faults.first, "\(fault.rawValue) was not made")
    }

    static func run(_ plan: ChaosPlan) async throws -> ChaosReport {
        await turnstile.enter()
        do {
            let report = try await ChaosRun.run(plan)
            await turnstile.leave()
            return report
        } catch {
            await turnstile.leave()
            throw error
        }
    }

    /// The promise is 2 s on a machine that has time; here other clusters run on the same cores, each with ten kinds of clients.
    static let soon = 30.0
}

/// Lets so many in at a time.
private actor Turnstile {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ free: Int) { self.free = free }

    func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
