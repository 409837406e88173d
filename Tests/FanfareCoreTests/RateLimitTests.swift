import FanfareCore
import Support
import Testing

@Suite("Rate limit")
struct RateLimitTests {
    @Test("a second's worth may come at once, then as many as flow in")
    func bucket() {
        var limit = RateLimit()
        let start: UInt64 = 5_000_000
        func take(now: UInt64) -> Bool { limit.take(now: now, perSecond: 10) }
        for _ in 0..<10 {
            #expect(take(now: start))
        }
        #expect(!take(now: start))
        #expect(!take(now: start + 99_999))
        #expect(take(now: start + 100_000))
        #expect(!take(now: start + 100_000))
        for _ in 0..<10 {
            #expect(take(now: start + 3_000_000))
        }
        #expect(!take(now: start + 3_000_000))
    }

    @Test("whatever comes when, no second has more than two seconds' worth", arguments: 0..<50)
    func bound(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let perSecond = Int.random(in: 1...200, using: &random)
        var limit = RateLimit()
        var now: UInt64 = 0
        var taken: [UInt64] = []
        for _ in 0..<2_000 {
            now += UInt64.random(in: 0...20_000, using: &random)
            if limit.take(now: now, perSecond: perSecond) { taken.append(now) }
        }
        for (index, time) in taken.enumerated() {
            let within = taken[index...].prefix { $0 < time + 1_000_000 }.count
            #expect(within <= 2 * perSecond)
        }
    }
}
