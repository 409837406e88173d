import FanfareChaos
import Testing

@Suite("Fault: network cut", .enabled(if: ChaosRun.canCutNetworks, "needs root and iproute2"))
struct NetworkCutTests {
    @Test("a cut network is found within two probe intervals, and nothing is missing when it is whole again")
    func cut() async throws {
        let outcome = try await FaultRun.make(.networkCut)
        let found = try #require(outcome.found)
        #expect(found < 2 * FaultRun.probe + 1.5)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
