import FanfareChaos
import Testing

@Suite("Fault: Redis killed")
struct RedisKilledTests {
    @Test("Redis is killed and comes back with its data: clients stay and miss nothing")
    func heals() async throws {
        let outcome = try await FaultRun.make(.redisKilled)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
