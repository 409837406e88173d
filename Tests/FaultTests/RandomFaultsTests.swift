import FanfareChaos
import Testing

@Suite("Faults in random order")
struct RandomFaultsTests {
    @Test("several faults one after the other: nothing lost, repeated or reordered")
    func several() async throws {
        var plan = FaultRun.plan(Fault.allCases)
        plan.duration = .seconds(15)
        let report = try await FaultRun.run(plan)
        #expect(report.isGood, "\(report.table)")
        #expect(!report.faults.isEmpty)
    }
}
