import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

@Suite("After SCRIPT FLUSH")
struct ScriptReplayTests {
    @Test("what Redis did not know goes again in its order, then what came meanwhile; what is too late fails")
    func order() throws {
        let (a, b) = (try ChannelName("a"), try ChannelName("b"))
        var replay = ScriptReplay<Int>()
        let isHeld = replay.hold([0])
        #expect(!isHeld)
        replay.refused(1, channel: a)
        replay.refused(2, channel: b)
        let isHeldNow = replay.hold([6, 7])
        #expect(isHeldNow)
        replay.refused(3, channel: a)
        replay.refused(4, channel: nil)
        // Another order of channel a was carried out behind 1 and 3.
        let late = [replay.overtaken(in: a), replay.overtaken(in: a)]
        #expect(late == [[1, 3], []])
        replay.refused(5, channel: a)
        let (again, held) = replay.take()
        #expect(again == [2, 4, 5] && held == [6, 7])
        let isHeldAfter = replay.hold([8])
        #expect(!replay.isActive && !isHeldAfter)
    }

    private static let rules = HistoryContractTests.rules

    @Test(
        "one publisher's publications of a channel never change places, with keys and without",
        arguments: ["plain:a", "h:a"])
    func flushed(channel: String) async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url, rules: Self.rules)) { probe in
                try await probe.isUp()
                try await probe.subscribe(channel)
                let name = try ChannelName(channel)
                for round in 0..<20 {
                    try await redis.command("SCRIPT", "FLUSH")
                    for number in 0..<6 {
                        let publication = Publication(channel: name, payload: Payload(text: "\(round) \(number)"))
                        let key = number.isMultiple(of: 3) ? "\(round) \(number)" : nil
                        probe.broker.publish(publication, options: PublishOptions(idempotencyKey: key)) { _ in }
                    }
                }
                func answered() -> Int {
                    probe.metrics.counters.value(.published) + probe.metrics.counters.value(.publishFailed)
                }
                try await eventually("all are answered") { answered() == 120 }
                try await eventually("what was taken is heard") {
                    probe.texts().count == probe.metrics.counters.value(.published)
                }
                let heard = probe.texts().compactMap { text -> Int? in
                    let parts = text.split(separator: " ").compactMap { Int($0) }
                    return parts.count == 2 ? parts[0] * 6 + parts[1] : nil
                }
                #expect(heard == heard.sorted())
                // With history there is one script, and none is overtaken.
                if channel == "h:a" { #expect(heard.count == 120) }
                _ = try await probe.publish(channel, "after", key: "after").get()
            }
        }
    }
}
