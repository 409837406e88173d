import FanfareChaos
import Testing

@Suite("Fault: network cut")
struct NetworkCutTests {
    @Test(
        "a cut network is found within two probe intervals, and nothing is missing when it is whole again",
        arguments: ChaosRun.hasNamespaces ? [true, false] : [false])
    func cut(namespaces: Bool) async throws {
        var plan = FaultRun.plan([.networkCut])
        plan.usesNamespaces = namespaces
        plan.probeInterval = .seconds(3)
        let report = try await FaultRun.run(plan)
        #expect(report.isGood, "\(report.table)")
        let outcome = try #require(report.faults.first)
        let found = try #require(outcome.found)
        // Two intervals, and for as long as a machine may stand still.
        #expect(found < 2 * 3 + 5)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
