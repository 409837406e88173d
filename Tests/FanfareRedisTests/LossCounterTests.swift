import FanfareWire
import Testing

@testable import FanfareRedis

@Suite("Loss counter")
struct LossCounterTests {
    @Test("a message that was on its way when the last listener left leaves nothing behind")
    func inFlight() throws {
        var losses = LossCounter()
        for number in 0..<1_000 {
            let channel = try ChannelName("c\(number)")
            #expect(losses.take(PublisherNumber(publisher: 1, number: 1), in: channel, isHeard: true) == 0)
            losses.forget(channel)
            #expect(losses.take(PublisherNumber(publisher: 1, number: 2), in: channel, isHeard: false) == 0)
        }
        #expect(losses.count == 0)
    }

    @Test("what is missing between two numbers of a publisher is counted")
    func missing() throws {
        var losses = LossCounter()
        let channel = try ChannelName("c")
        let lost = [1, 2, 5, 6].map {
            losses.take(PublisherNumber(publisher: 1, number: $0), in: channel, isHeard: true)
        }
        #expect(lost == [0, 0, 2, 0] && losses.count == 1)
    }
}
