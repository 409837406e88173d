import FanfareTestKit
import Testing

@testable import FanfareCore

@Suite("Queue relief")
struct QueueReliefTests {
    private func candidate(_ index: Int, _ bytes: Int, _ since: UInt64) -> QueueRelief.Candidate {
        .init(index: index, bytes: bytes, since: since)
    }

    @Test("the largest go first, of those that are alike the oldest, and no more than needed")
    func order() {
        let candidates = [
            candidate(0, 10, 1), candidate(1, 1_000_000, 30), candidate(2, 900_000, 20), candidate(3, 5_000_000, 40),
            candidate(4, 0, 0),
        ]
        #expect(QueueRelief.victims(candidates, excess: 0) == [])
        #expect(QueueRelief.victims(candidates, excess: 1) == [3])
        #expect(QueueRelief.victims(candidates, excess: 5_000_001) == [3, 2])
        #expect(QueueRelief.victims(candidates, excess: 6_000_000) == [3, 2, 1])
        #expect(QueueRelief.victims(candidates, excess: .max) == [3, 2, 1, 0])
    }

    @Test("what is freed is enough, and not by one client more than needed", arguments: 0..<200)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let candidates = (0..<Int.random(in: 0...30, using: &random)).map { index in
            candidate(index, Int.random(in: 0...100_000, using: &random), UInt64.random(in: 0...9, using: &random))
        }
        let all = candidates.reduce(0) { $0 + $1.bytes }
        let excess = Int.random(in: 0...150_000, using: &random)
        let victims = QueueRelief.victims(candidates, excess: excess)
        let freed = victims.map { candidates[$0].bytes }
        #expect(Set(victims).count == victims.count)
        #expect(freed.reduce(0, +) >= min(excess, all))
        #expect(freed.dropLast().reduce(0, +) < max(1, excess))
        for one in victims {
            for other in candidates where !victims.contains(other.index) {
                #expect(other.bytes < 2 * candidates[one].bytes)
            }
        }
    }

    @Test("loops free what is too much in proportion to what they hold, down to the low-water mark")
    func shares() {
        let memory = QueueMemory(limit: 8_000)
        memory.change(by: 8_000)
        #expect(!memory.isAbove && memory.share(own: 8_000) == 0)
        memory.change(by: 1_000)
        #expect(memory.isAbove && memory.lowWater == 7_000)
        #expect(memory.share(own: 9_000) == 2_000)
        #expect(memory.share(own: 4_500) == 1_000)
        #expect(memory.share(own: 0) == 0 && memory.share(own: 1) == 1)
    }
}
