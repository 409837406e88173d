import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

/// What somebody else, or a newer node, wrote into a stream.
@Suite("Foreign entries in a stream")
struct ForeignEntryTests {
    private static let stream = "fanfare:{h:a}:stream"
    private static let meta = "fanfare:{h:a}:meta"

    @Test("after XADD * by hand publications go on, nothing is missing, and the entry is gone")
    func byHand() async throws {
        try await withHistoryProbe { redis, probe in
            try await probe.subscribe("h:a")
            _ = try await probe.publish("h:a", "1").get()
            try await redis.command("XADD", Self.stream, "*", "foo", "bar")
            try await eventually("the position was checked") { probe.metrics.counters.value(.historyReads) >= 3 }
            for number in 2...4 {
                let receipt = try await probe.publish("h:a", "\(number)").get()
                #expect(receipt.position?.offset == UInt64(number))
            }
            try await eventually("all are heard") { probe.texts() == ["1", "2", "3", "4"] }
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(page.texts == ["1", "2", "3", "4"] && !page.isCut && page.unreadable == 0)
            #expect(probe.insufficient().isEmpty)
            #expect(probe.metrics.counters.value(.unreadable) == 1)
        }
    }

    @Test(
        "an entry by hand at the next offset, or at the end of all ids, hinders nobody",
        arguments: ["2-99999999999", "18446744073709551615-1"])
    func next(id: String) async throws {
        try await withHistoryProbe { redis, probe in
            try await probe.subscribe("h:a")
            _ = try await probe.publish("h:a", "1").get()
            try await redis.command("XADD", Self.stream, id, "d", "theirs")
            _ = try await probe.publish("h:a", "2").get()
            _ = try await probe.publish("h:a", "3").get()
            try await eventually("both are heard") { probe.texts() == ["1", "2", "3"] }
            let newest = try await probe.history("h:a", HistoryQuery(limit: 2, reverse: true))
            #expect(newest.texts == ["3", "2"])
        }
    }

    /// An entry of a version to come, as a newer node would append and publish it.
    private func newer(_ redis: RedisServer, offset: Int) async throws {
        try await redis.command("XADD", Self.stream, "\(offset)-9999999999", "d", "newer")
        // `redis-cli` takes no zero bytes: Redis writes them itself.
        try await redis.command(
            "EVAL",
            """
            redis.call('XDEL', KEYS[1], ARGV[1])
            return redis.call('XADD', KEYS[1], ARGV[2], 'd', string.char(0, 0x46, 0x46, 2) .. 'of another version')
            """, "1", Self.stream, "\(offset)-9999999999", "\(offset)-9999999999999")
        try await redis.command("HSET", Self.meta, "s", "\(offset)")
    }

    @Test("an entry of a newer node is passed over: receivers are told, reads end, and the channel goes on")
    func newerVersion() async throws {
        try await withHistoryProbe { redis, probe in
            try await probe.subscribe("h:a")
            let first = try await probe.publish("h:a", "1").get()
            try await eventually("the first is heard") { probe.positions() == [1] }
            try await newer(redis, offset: 2)
            try await eventually("it is told") { probe.insufficient().map(\.offset) == [2] }
            _ = try await probe.publish("h:a", "3").get()
            try await eventually("it goes on") { probe.positions() == [1, 3] }
            let reads = probe.metrics.counters.value(.historyReads)
            // A check of positions a second; it was some thousand reads.
            #expect(reads < 300, "\(reads) reads")
            #expect(probe.metrics.counters.value(.unreadable) > 0)
            // Who comes back over the hole is not told that it has everything.
            let place = try #require(first.position)
            let page = try await probe.history("h:a", HistoryQuery(since: place, limit: 100))
            #expect(page.texts == ["3"] && page.unreadable == 1)
            #expect(page.publications(after: place) == nil)
            let behind = page.publications(after: StreamPosition(offset: 2, epoch: place.epoch))
            #expect(behind?.count == 1)
        }
    }

    @Test("an entry that can't be read as the first of a page that is cut ends reading on", arguments: 1...3)
    func cut(limit: Int) async throws {
        try await withHistoryProbe { redis, probe in
            let first = try await probe.publish("h:a", "1").get()
            for offset in 2...3 { try await newer(redis, offset: offset) }
            _ = try await probe.publish("h:a", "4").get()
            let place = try #require(first.position)
            let page = try await probe.history("h:a", HistoryQuery(since: place, limit: limit))
            #expect(page.isCut == (limit < 3) && page.unreadable == min(limit, 2))
            #expect(page.publications(after: place) == nil)
        }
    }

    @Test(
        "what no node wrote into the stream's own record begins the stream anew",
        arguments: [
            ["s", "abc"], ["s", "-1"], ["s", "9007199254740993"], ["e", "\u{E9}"], ["e", "an epoch that is too long"],
        ])
    func record(change: [String]) async throws {
        try await withHistoryProbe { redis, probe in
            let first = try await probe.publish("h:a", "1").get()
            try await redis.command("HSET", Self.meta, change[0], change[1])
            let second = try await probe.publish("h:a", "2").get()
            let (before, after) = (try #require(first.position), try #require(second.position))
            #expect(after.offset == 1 && after.epoch != before.epoch)
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(page.texts == ["2"] && page.position == after)
        }
    }
}
