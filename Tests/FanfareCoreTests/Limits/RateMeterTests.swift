import FanfareCore
import Testing

@Suite("Rate meter")
struct RateMeterTests {
    @Test("a burst of a second's worth, then the even rate", arguments: [1, 3, 1_000, 1_000_000])
    func rate(perSecond: Int) {
        let meter = Meter(Rate(perSecond: perSecond))
        var now: UInt64 = 5_000_000
        #expect(meter.take(perSecond * 2, now: now) == perSecond)
        now += 500_000
        #expect(meter.take(perSecond * 2, now: now) == perSecond / 2)
        now += 60_000_000
        #expect(meter.take(perSecond * 2, now: now) == perSecond)
    }

    @Test("threads that take and charge at once lose nothing of either")
    func threads() async {
        let meter = Meter(Rate(perSecond: 40_000))
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<5_000 { meter.charge(now: 9_000_000) }
                    return meter.take(10_000, now: 9_000_000)
                }
            }
            return await group.reduce(0, +)
        }
        #expect((20_000...40_000).contains(taken))
        #expect(meter.wait(now: 9_000_000) == UInt64(taken + 20_000 - 40_000 + 1) * 25)
    }
}

/// A meter that closures can hold.
private final class Meter: Sendable {
    private let meter: RateMeter

    init(_ rate: Rate) { meter = RateMeter(rate) }

    /// How many of so many tries are let through.
    func take(_ tries: Int, now: UInt64) -> Int {
        var taken = 0
        for _ in 0..<tries where meter.take(now: now) { taken += 1 }
        return taken
    }

    func charge(now: UInt64) { meter.charge(1, now: now) }

    func wait(now: UInt64) -> UInt64 { meter.wait(now: now) }
}
