import Testing

/// The shard against a model of dictionaries: everything that can happen to it, also while it walks its subscribers.
@Suite("Hub shard: model")
struct HubModelTests {
    @Test("whatever happens in whatever order, everyone gets what the model says", arguments: 0..<8)
    func model(part: Int) {
        for seed in part * 500..<(part + 1) * 500 {
            let run = HubModelRun(seed: seed)
            do {
                for step in 0..<200 { try run.step(step) }
                try run.end()
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
        }
    }
}
