import FanfareChaos
import Testing

@Suite("Fault: publishing links killed")
struct LinksKilledTests {
    @Test("CLIENT KILL for publishing links: what was under way is published once")
    func heals() async throws {
        let outcome = try await FaultRun.make(.linksKilled)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
