import FanfareChaos
import Testing

@Suite("Fault: rolling restart")
struct RollingRestartTests {
    @Test("all nodes are restarted one after the other under traffic: nothing is missing, nothing comes twice")
    func heals() async throws {
        let outcome = try await FaultRun.make(.rollingRestart)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
