import FanfareChaos
import Testing

@Suite("Fault: all links killed")
struct AllLinksKilledTests {
    @Test("CLIENT KILL for all links, again and again: gaps are filled, nothing comes twice")
    func heals() async throws {
        let outcome = try await FaultRun.make(.allLinksKilled)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
