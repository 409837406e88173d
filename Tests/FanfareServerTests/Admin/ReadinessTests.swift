import FanfareCore
import Testing

@testable import FanfareServer

@Suite("Readiness")
struct ReadinessTests {
    private static let up = BrokerStatus(isUp: true)
    private static let down = BrokerStatus(isUp: false, problem: "redis publish link: connecting")
    private static let silent = BrokerStatus(isUp: false)

    @Test(
        "a node is ready when it accepts, does not drain, and publications flow; else it says why",
        arguments: [
            (false, true, up, []),
            (false, false, up, ["not accepting clients"]),
            (true, true, up, ["draining"]),
            (true, false, up, ["draining"]),
            (false, true, down, ["redis publish link: connecting"]),
            (false, true, silent, ["broker is away"]),
            (false, false, down, ["not accepting clients", "redis publish link: connecting"]),
            (true, false, down, ["draining", "redis publish link: connecting"]),
            (false, true, BrokerStatus(isUp: true, problem: "old news"), []),
        ] as [(Bool, Bool, BrokerStatus, [String])]
    )
    func table(isDraining: Bool, isAccepting: Bool, status: BrokerStatus, problems: [String]) {
        let readiness = Readiness(
            .forTest(broker: ScriptedBroker(status: status), isDraining: isDraining, isAccepting: isAccepting)
        )
        #expect(readiness.problems == problems)
        #expect(readiness.isReady == problems.isEmpty)
    }
}
