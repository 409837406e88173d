import FanfareChaos
import Testing

@Suite("Fault: node frozen")
struct NodeFrozenTests {
    @Test("a frozen node: its clients leave it, and what it was asked to publish comes once")
    func heals() async throws {
        let outcome = try await FaultRun.make(.nodeFrozen)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
