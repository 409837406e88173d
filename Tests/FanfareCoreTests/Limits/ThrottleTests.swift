import FanfareCore
import FanfareTestKit
import Testing

@Suite("Throttle")
struct ThrottleTests {
    private let second: UInt64 = 1_000_000

    @Test("without rates nobody waits and nothing is refused")
    func unlimited() {
        var throttle = Throttle()
        let none = ClientRates()
        for _ in 0..<10_000 {
            throttle.read(bytes: 1_000_000, none, now: 7)
            throttle.message(commands: 512, none, now: 7)
            throttle.publication(none, now: 7)
            for rate in ClientRate.allCases {
                let wait = throttle.ask(rate, none, now: 7)
                #expect(wait == nil)
            }
        }
        #expect(!throttle.holds(now: 7) && throttle.until == 0)
    }

    @Test("a rate of 0 is none, and bursts are what a sane client does at once")
    func rates() {
        var limits = Limits()
        limits.maxMessageRate = 10
        limits.maxByteRate = 1
        limits.maxSubscribeRate = 1
        limits.maxReadRate = 1
        let rates = ClientRates(limits)
        #expect(rates.messages == Rate(perSecond: 10, burst: limits.maxCommandsPerMessage))
        #expect(rates.bytes == Rate(perSecond: 1, burst: 2 * limits.maxMessageBytes))
        #expect(rates.publications == Rate(perSecond: 500))
        #expect(rates.subscriptions == Rate(perSecond: 1, burst: limits.maxChannelsPerClient + 1))
        #expect(rates.reads == Rate(perSecond: 1, burst: 1))
        limits.maxMessageRate = 0
        limits.maxByteRate = 0
        limits.maxPublishRate = 0
        limits.maxSubscribeRate = 0
        limits.maxReadRate = 0
        let none = ClientRates(limits)
        #expect(none.messages == nil && none.bytes == nil && none.publications == nil)
        #expect(none.subscriptions == nil && none.reads == nil)
    }

    @Test("who is refused is let through after the time that it was told, and no moment sooner")
    func retryAfter() throws {
        let three = Rate(perSecond: 3)
        let rates = ClientRates(publications: three, subscriptions: three, reads: three)
        for rate in ClientRate.thatRefuse where rate != .userPublications {
            var throttle = Throttle()
            let first = (0..<3).map { _ in throttle.ask(rate, rates, now: second) }
            #expect(first == [nil, nil, nil])
            let refused = throttle.ask(rate, rates, now: second)
            let wait = try #require(refused)
            #expect(wait == 333_334)
            let early = throttle.ask(rate, rates, now: second + wait - 1)
            let inTime = throttle.ask(rate, rates, now: second + wait)
            #expect(early == 1 && inTime == nil)
            #expect(!throttle.holds(now: second), "what is refused holds nobody back")
        }
    }

    @Test("one rate takes nothing from another, and the longest wait counts")
    func independence() {
        let rates = ClientRates(
            messages: Rate(perSecond: 10, burst: 1), bytes: Rate(perSecond: 100, burst: 1),
            publications: Rate(perSecond: 1))
        var throttle = Throttle()
        throttle.message(rates, now: second)
        #expect(throttle.until == second + 100_000 && throttle.cause == .messages)
        throttle.publication(rates, now: second)
        #expect(throttle.until == 2 * second && throttle.cause == .publications)
        throttle.read(bytes: 10, rates, now: second)
        #expect(throttle.until == 2 * second && throttle.cause == .publications)
        throttle.hold(5 * second, for: .userMessages, now: second)
        throttle.hold(0, for: .userPublications, now: second)
        #expect(throttle.until == 6 * second && throttle.cause == .userMessages)
        #expect(throttle.holds(now: 6 * second - 1) && !throttle.holds(now: 6 * second))
    }

    @Test("whatever a client sends when: it gets its rate, its burst and one message more", arguments: 0..<50)
    func bound(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let perSecond = Int.random(in: 1...2_000, using: &random)
        let burst = Int.random(in: 1...500, using: &random)
        let largest = Int.random(in: 1...50, using: &random)
        let rates = ClientRates(messages: Rate(perSecond: perSecond, burst: burst))
        var throttle = Throttle()
        var now: UInt64 = 1
        var handled: [(time: UInt64, commands: Int)] = []
        // It always has something to say, and is read when a tick of a wheel finds that it may be.
        for _ in 0..<3_000 {
            if throttle.holds(now: now) {
                let left = throttle.until - now
                #expect(left <= UInt64(largest) * second / UInt64(perSecond) + 1)
                now += left + UInt64.random(in: 0...100_000, using: &random)
                #expect(!throttle.holds(now: now))
            } else {
                now += UInt64.random(in: 0...100, using: &random)
            }
            let commands = Int.random(in: 1...largest, using: &random)
            throttle.message(commands: commands, rates, now: now)
            handled.append((now, commands))
        }
        for first in stride(from: 0, to: handled.count, by: 97) {
            var sum = 0
            for (time, commands) in handled[first...] {
                sum += commands
                let inFlow = Double(time - handled[first].time) * Double(perSecond) / 1_000_000
                #expect(Double(sum) <= Double(burst + largest) + inFlow + 1)
            }
        }
    }
}
