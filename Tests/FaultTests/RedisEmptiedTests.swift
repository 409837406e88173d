import FanfareChaos
import Testing

@Suite("Fault: Redis emptied")
struct RedisEmptiedTests {
    @Test("Redis comes back empty: every client is told, none believes that it has everything")
    func told() async throws {
        let outcome = try await FaultRun.make(.redisEmptied)
        // Each of 30 clients in both of its channels; one that was away by itself is told later.
        #expect(outcome.told > 30)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
