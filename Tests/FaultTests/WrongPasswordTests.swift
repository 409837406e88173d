import FanfareChaos
import Testing

@Suite("Fault: wrong password")
struct WrongPasswordTests {
    @Test("a Redis that wants another password is asked until it takes ours")
    func heals() async throws {
        let outcome = try await FaultRun.make(.wrongPassword)
        let ready = try #require(outcome.ready)
        #expect(ready < FaultRun.soon)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }
}
