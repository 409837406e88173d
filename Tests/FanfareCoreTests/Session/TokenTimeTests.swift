import Testing

@testable import FanfareCore

@Suite("Tokens and clocks")
struct TokenTimeTests {
    private let start = TokenTime(wall: 1_000_000, monotonic: 500)

    private func later(_ seconds: Int64, clockSetBy change: Int64 = 0) -> TokenTime {
        TokenTime(wall: start.wall + seconds + change, monotonic: start.monotonic + seconds)
    }

    @Test("with clocks that nobody sets a token ends when it says")
    func plain() {
        let expiry = TokenExpiry(start.wall + 3, acceptedAt: start)
        #expect(expiry.left(start) == 3 && expiry.left(later(2)) == 1)
        #expect(expiry.left(later(3)) == 0 && expiry.left(later(10)) == -7)
    }

    @Test("a clock that is set back gives a token no more time than it had when it was accepted")
    func back() {
        let expiry = TokenExpiry(start.wall + 3, acceptedAt: start)
        #expect(expiry.left(later(1, clockSetBy: -7_200)) > 0)
        // The clocks are cut to seconds: one more may pass.
        #expect(expiry.left(later(4, clockSetBy: -7_200)) == 0)
        #expect(expiry.left(later(100, clockSetBy: -7_200)) < 0)
    }

    @Test("a clock that is set forward ends what has expired by it")
    func forward() {
        let expiry = TokenExpiry(start.wall + 3_600, acceptedAt: start)
        #expect(expiry.left(later(1, clockSetBy: 3_599)) == 0)
        #expect(expiry.left(later(1, clockSetBy: 60)) == 3_539)
    }

    @Test(
        "times at the ends of all numbers neither trap nor live for ever",
        arguments: [Int64.min, -1, 0, 253_402_300_800, .max])
    func ends(at: Int64) {
        for wall in [Int64.min, 0, .max] {
            for monotonic in [Int64.min, 0, .max] {
                let now = TokenTime(wall: wall, monotonic: monotonic)
                let expiry = TokenExpiry(at, acceptedAt: now)
                _ = expiry.left(TokenTime(wall: .min, monotonic: .min))
                _ = expiry.left(TokenTime(wall: .max, monotonic: .max))
                if at < wall { #expect(expiry.left(now) < 0) }
            }
        }
    }

    @Test("a clock that is set is noticed once, either way; drift and time that passes are not")
    func watch() {
        var watch = ClockWatch()
        let second: UInt64 = 1_000_000
        #expect(watch.step(wall: 50_000 * second, monotonic: 7 * second) == nil)
        #expect(watch.step(wall: 53_600 * second, monotonic: 3_607 * second) == nil, "an hour in which nothing ran")
        #expect(watch.step(wall: 53_601 * second + 1_900_000, monotonic: 3_608 * second) == nil)
        #expect(watch.step(wall: 60_802 * second, monotonic: 3_609 * second) == 7_200_000_000)
        #expect(watch.step(wall: 60_803 * second, monotonic: 3_610 * second) == nil)
        #expect(watch.step(wall: 53_604 * second, monotonic: 3_611 * second) == -7_200_000_000)
        #expect(watch.step(wall: 53_605 * second, monotonic: 3_612 * second) == nil)
    }

    @Test("a drift that adds up is noticed when it is too much")
    func drift() {
        var watch = ClockWatch()
        var noticed: [Int64] = []
        for step in UInt64(0)..<60 {
            if let change = watch.step(wall: 1_000_000 * step + 100_000 * step, monotonic: 1_000_000 * step) {
                noticed.append(change)
            }
        }
        #expect(noticed == [2_100_000, 2_100_000])
    }
}
