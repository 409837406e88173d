import FanfareChaos
import Testing

@Suite("Fault: Redis frozen")
struct RedisFrozenTests {
    @Test("a frozen Redis is found within two probe intervals, and nothing is missing when it goes on")
    func heals() async throws {
        var plan = FaultRun.plan([.redisFrozen])
        plan.probeInterval = .seconds(3)
        let report = try await FaultRun.run(plan)
        #expect(report.isGood, "\(report.table)")
        let outcome = try #require(report.faults.first)
        let found = try #require(outcome.found)
        // Two intervals, and for as long as a machine may stand still.
        #expect(found < 2 * 3 + 5)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
