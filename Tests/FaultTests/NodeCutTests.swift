import FanfareChaos
import Testing

@Suite("Fault: one node cut off")
struct NodeCutTests {
    @Test("one node cut off from Redis: its clients stay, and get in order what the others published meanwhile")
    func cut() async throws {
        let outcome = try await FaultRun.make(.nodeCut)
        let healed = try #require(outcome.healed)
        #expect(healed < FaultRun.soon)
    }

    @Test("where the history is too short for the gap, clients are told, and still nothing is lost in silence")
    func shallow() async throws {
        var plan = FaultRun.plan([.nodeCut])
        plan.history = 10
        let report = try await FaultRun.run(plan)
        #expect(report.wronglyTold > 0, "\(report.table)")
        #expect(
            report.lost + report.repeated + report.reordered + report.foreign + report.unhealed == 0, "\(report.table)")
    }
}
