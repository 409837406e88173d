import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

/// What a newer node, or somebody's hand, puts into Redis: nothing of it stops, loops or disconnects, and all of it is counted.
@Suite("Messages and entries of newer nodes")
struct NewerNodeTests {
    private static let text = Array("text".utf8)

    /// An envelope with fields of the given ids, each of three bytes.
    private func message(
        version: UInt8 = 1, kind: UInt8 = 1, flags: UInt8 = 1, addition: [UInt8] = [], ids: [UInt16] = [999],
        payload: [UInt8] = text
    ) -> [UInt8] {
        var buffer = ByteBuffer(bytes: [0, 0x46, 0x46, version, kind, 0, flags, 0, 0, 0, 0, 0, 0, 0, 7] + addition)
        TypedFields.write(into: &buffer) { writer in
            for id in ids { writer.add(id) { $0.writeBytes([1, 2, 3]) } }
        }
        buffer.writeBytes(payload)
        return Array(buffer.readableBytesView)
    }

    private static func overlong(_ message: [UInt8]) -> [UInt8] {
        var message = message
        message.replaceSubrange(15..<19, with: [255, 255, 255, 255])
        return message
    }

    private func with(_ body: (RedisServer, BrokerProbe) async throws -> Void) async throws {
        try await withRedis { redis in
            let probe = try BrokerProbe.redis(redis.url, rules: HistoryContractTests.rules)
            try await withProbe(probe) { probe in
                try await probe.isUp()
                try await body(redis, probe)
            }
        }
    }

    @Test("messages: fields are passed over, what means something else is dropped, and the channel goes on")
    func messages() async throws {
        try await with { redis, probe in
            try await probe.subscribe("plain:a")
            let readable = [
                message(), message(ids: [999, 0, 65_535]), message(ids: [1, 2]),
                message(kind: 4, addition: [0, 0, 0, 1, 0, 0, 0, 1]),
            ]
            let dropped = [
                message(version: 2), message(version: 255), message(kind: 7), message(kind: 200), message(flags: 2),
                message(flags: 3), Self.overlong(message()), Array(message().prefix(17)), Array(message().prefix(9)),
                message(kind: 5), message(kind: 6), message(kind: 2), message(payload: [0xFF]),
                message(kind: 3, addition: [0, 0, 0, 0, 0, 0, 0, 1, 99]),
            ]
            for bytes in dropped + readable + dropped { try await redis.publish("fanfare:plain:a", bytes) }
            try await probe.publish("plain:a", "end")
            try await eventually("the last one arrives") { probe.texts().last == "end" }
            #expect(probe.texts() == ["text", "text", "text", "text", "end"])
            let counters = probe.metrics.counters
            #expect(counters.value(.dropped) == 2 * dropped.count)
            // 1 + 3 + 2 + 1, and those of the two probes and of the two texts that are dropped for their payload.
            #expect(counters.value(.skippedFields) >= 7)
            #expect(counters.value(.reconnects) == 0 && probe.broker.status.isUp)
            #expect(probe.publications(in: "plain:a").allSatisfy { $0.metadata == nil })
        }
    }

    @Test("a message's fields are no part of the bound for its payload, and don't widen it")
    func bounds() async throws {
        try await withRedis { redis in
            let probe = try BrokerProbe.redis(redis.url) { $0.maxPayloadBytes = 1_000 }
            try await withProbe(probe) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                let ids = [UInt16](repeating: 999, count: 1_000)
                try await redis.publish("fanfare:a", message(ids: ids, payload: [UInt8](repeating: 0x61, count: 1_000)))
                try await redis.publish("fanfare:a", message(ids: ids, payload: [UInt8](repeating: 0x62, count: 1_100)))
                try await probe.publish("a", "end")
                try await eventually("the last one arrives") { probe.texts().last == "end" }
                #expect(probe.texts() == [String(repeating: "a", count: 1_000), "end"])
                #expect(probe.metrics.counters.value(.dropped) == 1)
            }
        }
    }

    @Test("entries: fields and further values are passed over, in reads, in repairs and in what follows")
    func entries() async throws {
        try await with { redis, probe in
            let (stream, meta) = ("fanfare:{h:a}:stream", "fanfare:{h:a}:meta")
            try await probe.subscribe("h:a")
            let first = try await probe.publish("h:a", "1").get()
            let now = "9999999999"
            try await redis.command(["XADD", stream, "2-\(now)", "d"], bytes: [message(ids: [999])])
            try await redis.command(
                ["XADD", stream, "3-\(now)"], bytes: [Array("d".utf8), message(), Array("later".utf8), [0, 1]])
            try await redis.command(["HSET", meta, "s", "3", "later", "field"], bytes: [])
            try await eventually("both were repaired") { probe.positions() == [1, 2, 3] }
            let page = try await probe.history("h:a", HistoryQuery(since: first.position, limit: 9))
            #expect(page.texts == ["text", "text"] && page.unreadable == 0 && page.skippedFields == 2)
            _ = try await probe.publish("h:a", "4").get()
            try await eventually("it goes on") { probe.positions() == [1, 2, 3, 4] }
            #expect(probe.insufficient().isEmpty)
            #expect(probe.metrics.counters.value(.skippedFields) >= 4)
            #expect(probe.metrics.counters.value(.unreadable) == 0)
        }
    }

    @Test("entries of another kind or version are holes that are told, once each, and no read goes on for ever")
    func holes() async throws {
        try await with { redis, probe in
            let (stream, meta) = ("fanfare:{h:a}:stream", "fanfare:{h:a}:meta")
            try await probe.subscribe("h:a")
            _ = try await probe.publish("h:a", "1").get()
            let unreadable = [
                message(version: 2), message(kind: 7), message(flags: 2), Self.overlong(message()),
                message(kind: 4, addition: [0, 0, 0, 1, 0, 0, 0, 1]), [], [0, 0x46, 0x46],
            ]
            for (index, bytes) in unreadable.enumerated() {
                try await redis.command(["XADD", stream, "\(index + 2)-9999999999", "d"], bytes: [bytes])
                try await redis.command(["HSET", meta, "s", "\(index + 2)"], bytes: [])
            }
            // An empty text is a publication; all others are holes.
            let last = UInt64(unreadable.count + 1)
            try await eventually("the end is told") { probe.insufficient().last?.offset == last }
            let reads = probe.metrics.counters.value(.historyReads)
            _ = try await probe.publish("h:a", "end").get()
            try await eventually("it goes on") { probe.positions().last == last + 1 }
            #expect(probe.metrics.counters.value(.unreadable) >= unreadable.count - 1)
            #expect(reads < 60, "\(reads) reads")
            #expect(probe.metrics.counters.value(.reconnects) == 0)
        }
    }
}
