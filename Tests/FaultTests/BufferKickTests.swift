import FanfareChaos
import Testing

@Suite("Fault: output buffer")
struct BufferKickTests {
    @Test("Redis cuts subscribing links whose output buffer is above its limit: the gap is filled")
    func heals() async throws {
        let outcome = try await FaultRun.make(.bufferKick)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
