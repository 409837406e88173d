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
        let report = try await FaultRun.run(plan)
        #expect(report.isGood, "\(report.table)")
        let outcome = try #require(report.faults.first)
        let found = try #require(outcome.found)
        #expect(found < 2 * FaultRun.probe + 1.5)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
