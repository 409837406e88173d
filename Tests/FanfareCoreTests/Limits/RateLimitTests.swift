import FanfareCore
import FanfareTestKit
import Testing

@Suite("Rate limit")
struct RateLimitTests {
    @Test("a second's worth may come at once, then as many as flow in")
    func bucket() {
        var limit = RateLimit()
        let start: UInt64 = 5_000_000
        func take(now: UInt64) -> Bool { limit.take(of: Rate(perSecond: 10), now: now) }
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
            if limit.take(of: Rate(perSecond: perSecond), now: now) { taken.append(now) }
        }
        for (index, time) in taken.enumerated() {
            let within = taken[index...].prefix { $0 < time + 1_000_000 }.count
            #expect(within <= 2 * perSecond)
        }
    }

    @Test("what is charged above the bucket is a debt that flows in")
    func debt() {
        var limit = RateLimit()
        let rate = Rate(perSecond: 1_000, burst: 4_000)
        let start: UInt64 = 7_000_000
        limit.charge(3_999, of: rate, now: start)
        #expect(limit.wait(of: rate, now: start) == 0)
        limit.charge(6_001, of: rate, now: start)
        #expect(limit.wait(of: rate, now: start) == 6_001_000)
        #expect(limit.wait(of: rate, now: start + 6_000_999) == 1)
        let early = limit.take(of: rate, now: start + 6_000_999)
        let inTime = limit.take(of: rate, now: start + 6_001_000)
        #expect(!early && inTime)
    }

    @Test("rates and counts without measure do not overflow", arguments: [1, 1_000_000, Int.max])
    func extremes(perSecond: Int) {
        var limit = RateLimit()
        let rate = Rate(perSecond: perSecond, burst: .max)
        limit.charge(.max, of: rate, now: 1)
        limit.charge(0, of: rate, now: 2)
        limit.charge(-1, of: rate, now: 2)
        _ = limit.take(.max, of: rate, now: 3)
        #expect(limit.wait(of: rate, now: .max / 4_000) >= 0)
    }
}
