import FanfareTestKit

/// Draws faults: each once in a round, in random order.
struct FaultDeck {
    private let plan: ChaosPlan
    private var round: [Fault] = []
    private var random: SeededRandom

    init(_ plan: ChaosPlan) {
        self.plan = plan
        random = SeededRandom(seed: plan.seed)
    }

    mutating func draw() -> FaultCase {
        if round.isEmpty { round = plan.faults.shuffled(using: &random) }
        let fault = round.removeLast()
        let bounds = bounds(fault)
        let seconds = Double.random(in: bounds.lowerBound...bounds.upperBound, using: &random)
        return FaultCase(
            fault: fault, length: .milliseconds(Int64(seconds * 1_000)),
            node: Int.random(in: 0..<plan.nodes, using: &random))
    }

    /// How long it lasts, in seconds.
    private func bounds(_ fault: Fault) -> ClosedRange<Double> {
        let probe = plan.probeInterval.inSeconds
        let found = 3 * probe + plan.redisTimeout.inSeconds
        switch fault {
        case .redisKilled, .redisEmptied, .nodeKilled: return 0.2...2
        case .redisFrozen: return found...2 * found
        // In a long run also as long as a router takes to start.
        case .networkCut: return found...(plan.duration >= .seconds(300) ? 30 : 2 * found)
        // Long enough for the others to publish hundreds that this node has to fetch.
        case .nodeCut: return found...3 * found
        // Longer than clients wait for a ping.
        case .nodeFrozen: return 2...10
        case .bufferKick, .linksKilled, .scriptsFlushed, .rollingRestart: return 0...0
        case .allLinksKilled, .memoryFull, .readOnly, .wrongPassword: return 1...4
        }
    }
}
