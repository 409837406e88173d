import FanfareChaos
import Testing

@Suite("Fault: node killed")
struct NodeKilledTests {
    @Test("a node is killed: its clients go on at the others where they were")
    func heals() async throws {
        let outcome = try await FaultRun.make(.nodeKilled)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
