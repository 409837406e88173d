import FanfareChaos
import Testing

@Suite("Fault: memory full")
struct MemoryFullTests {
    @Test("a Redis without memory refuses publications, and takes them when it has some")
    func heals() async throws {
        let outcome = try await FaultRun.make(.memoryFull)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
