import FanfareChaos
import Testing

@Suite("Fault: scripts flushed")
struct ScriptsFlushedTests {
    @Test("a Redis that forgot the scripts learns them with the next publication")
    func heals() async throws {
        let outcome = try await FaultRun.make(.scriptsFlushed)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
