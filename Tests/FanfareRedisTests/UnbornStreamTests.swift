import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// Channels with history in which nothing was published yet: subscribing leaves nothing behind, and is a place to come back to.
@Suite("Streams that do not exist yet")
struct UnbornStreamTests {
    @Test(
        "a subscriber's place is before the first publication, whoever asks and when",
        arguments: BrokerContractTests.Kind.allCases)
    func place(kind: BrokerContractTests.Kind) async throws {
        try await kind.with(rules: HistoryContractTests.rules) { probe in
            try await probe.subscribe("h:new")
            let start = try #require(probe.start(of: "h:new"))
            #expect(start.offset == 0 && StreamPosition.isEpoch(start.epoch))
            let read = try await probe.history("h:new", HistoryQuery(limit: 9))
            #expect(read.position == start && read.texts.isEmpty && read.publications(after: start) == [])
            for number in 1...3 {
                let receipt = try await probe.publish("h:new", "\(number)").get()
                #expect(receipt.position == StreamPosition(offset: UInt64(number), epoch: start.epoch))
            }
            try await eventually("all are heard") { probe.positions() == [1, 2, 3] }
            let page = try await probe.history("h:new", HistoryQuery(since: start, limit: 9))
            #expect(page.publications(after: start)?.count == 3)
            #expect(probe.insufficient().isEmpty)
        }
    }

    @Test("subscribes and reads of a thousand channels leave one key, for all of them")
    func noKeys() async throws {
        try await withHistoryProbe { redis, probe in
            for number in 0..<1_000 { _ = try probe.ask("h:\(number)") }
            try await eventually("all are subscribed") { probe.answers() == 1_000 }
            _ = try await probe.history("h:other", HistoryQuery(limit: 9))
            #expect(try await redis.command("KEYS", "*") == "fanfare:*epoch")
            let seconds = try await redis.command("TTL", "fanfare:*epoch")
            #expect(Int(seconds).map { $0 > 0 && $0 <= 82_800 } == true)
        }
    }

    @Test(
        "a stream that was lost and begins anew is never taken for the one before",
        arguments: [
            ["DEL", "fanfare:{h:a}:meta"], ["DEL", "fanfare:{h:a}:meta", "fanfare:{h:a}:stream"], ["FLUSHALL"],
        ])
    func anew(loss: [String]) async throws {
        try await withHistoryProbe { redis, probe in
            let before = try await probe.history("h:a", .position).position
            let first = try await probe.publish("h:a", "1").get().position
            #expect(first?.epoch == before.epoch)
            _ = try await redis.tool(["-p", "\(redis.port)"] + loss)
            let second = try await probe.publish("h:a", "2").get().position
            #expect(second?.offset == 1 && second?.epoch != before.epoch)
            // Other channels keep their place.
            if loss[0] != "FLUSHALL" {
                let other = try await probe.publish("h:b", "1").get().position
                #expect(other == StreamPosition(offset: 1, epoch: before.epoch))
            }
        }
    }

    @Test("receivers who wait for a first publication are told when Redis was emptied, not before and not without one")
    func emptied() async throws {
        try await withHistoryProbe { redis, probe in
            try await probe.subscribe("h:a")
            let reads = probe.metrics.counters.value(.historyReads)
            try await redis.command("FLUSHALL")
            try await eventually("the position was checked twice") {
                probe.metrics.counters.value(.historyReads) >= reads + 2
            }
            #expect(probe.insufficient().isEmpty)
            _ = try await probe.publish("h:a", "1").get()
            try await eventually("they are told where it goes on") { probe.insufficient().map(\.offset) == [1] }
            _ = try await probe.publish("h:a", "2").get()
            try await eventually("it goes on") { probe.positions() == [2] }
        }
    }

    @Test("a stream that an earlier version of a node opened for a subscriber is read on")
    func earlierVersion() async throws {
        try await withHistoryProbe { redis, probe in
            try await redis.command("HSET", "fanfare:{h:a}:meta", "s", "0", "e", "abcdefgh")
            try await probe.subscribe("h:a")
            #expect(probe.start(of: "h:a") == StreamPosition(offset: 0, epoch: "abcdefgh"))
            let receipt = try await probe.publish("h:a", "1").get()
            #expect(receipt.position == StreamPosition(offset: 1, epoch: "abcdefgh"))
            try await eventually("it is heard") { probe.positions() == [1] }
        }
    }
}
