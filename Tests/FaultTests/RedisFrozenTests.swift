import FanfareChaos
import Testing

@Suite("Fault: Redis frozen")
struct RedisFrozenTests {
    @Test("a frozen Redis is found within two probe intervals, and nothing is missing when it goes on")
    func heals() async throws {
        let outcome = try await FaultRun.make(.redisFrozen)
        let found = try #require(outcome.found)
        #expect(found < 2 * FaultRun.probe + 1.5)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
