import FanfareChaos
import Testing

@Suite("Faults under clients of every kind")
struct MixedClientsTests {
    @Test("nodes go one after the other: clients of every kind lose nothing and get nothing twice")
    func heals() async throws {
        var plan = FaultRun.plan([.rollingRestart])
        plan.kinds = ClientKind.allCases
        let report = try await FaultRun.run(plan)
        #expect(report.isGood, "\(report.table)")
        for kind in ClientKind.allCases {
            #expect(report.deliveriesByKind[kind.rawValue] ?? 0 > 0, "\(kind): \(report.table)")
        }
    }

    @Test(
        "clients of one kind come back after their node is killed",
        arguments: ClientKind.allCases.filter { $0 != .webSocket })
    func alone(_ kind: ClientKind) async throws {
        var plan = FaultRun.plan([.nodeKilled])
        plan.kinds = [kind]
        let report = try await FaultRun.run(plan)
        #expect(report.isGood, "\(report.table)")
        #expect(report.deliveriesByKind.keys.sorted() == [kind.rawValue] && report.recoveries > 0)
    }
}
