import FanfareCore
import Testing

@Suite("Rate meter")
struct RateMeterTests {
    @Test("a burst of a second's worth, then the even rate", arguments: [1, 3, 1_000, 1_000_000])
    func rate(perSecond: Int) {
        let meter = RateMeter(perSecond: perSecond)
        var now: UInt64 = 5_000_000
        #expect((0..<perSecond * 2).count { _ in meter.take(now: now) } == perSecond)
        now += 500_000
        #expect((0..<perSecond * 2).count { _ in meter.take(now: now) } == perSecond / 2)
        now += 60_000_000
        #expect((0..<perSecond * 2).count { _ in meter.take(now: now) } == perSecond)
    }
}
