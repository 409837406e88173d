import FanfareTestKit
import Testing

@testable import FanfareServer

@Suite("Oldest first")
struct OldestFirstTests {
    @Test("whoever leaves from wherever, the oldest of those that stay is at the front")
    func model() {
        for seed in 0..<100 {
            var random = SeededRandom(seed: UInt64(seed))
            var line = OldestFirst<Int>()
            var model: [(member: Int, place: Int)] = []
            for number in 0..<300 {
                if model.isEmpty || Int.random(in: 0..<5, using: &random) < 3 {
                    model.append((number, line.append(number)))
                } else {
                    let index = Bool.random(using: &random) ? 0 : Int.random(in: 0..<model.count, using: &random)
                    line.remove(model.remove(at: index).place)
                }
                #expect(line.oldest == model.first?.member)
            }
            #expect(Set(model.map(\.place)).count == model.count)
        }
    }
}
