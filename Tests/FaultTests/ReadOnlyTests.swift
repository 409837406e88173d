import FanfareChaos
import Testing

@Suite("Fault: read-only replica")
struct ReadOnlyTests {
    @Test("a Redis that became a replica is left, and taken again when it is a master")
    func heals() async throws {
        let outcome = try await FaultRun.make(.readOnly)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
