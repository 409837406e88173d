import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// What Pub/Sub did not bring is read from the stream, and subscribers see nothing but a delay.
@Suite("Gap repair")
struct GapRepairTests {
    private func withBrokers(
        _ options: RedisServer.Options = .init(),
        _ body: (RedisServer, _ hears: BrokerProbe, _ speaks: BrokerProbe) async throws -> Void
    ) async throws {
        try await withRedis(options) { redis in
            let rules = HistoryContractTests.rules
            try await withProbe(try .redis(redis.url, rules: rules)) { hears in
                try await withProbe(try .redis(redis.url, rules: rules)) { speaks in
                    try await hears.isUp()
                    try await speaks.isUp()
                    try await body(redis, hears, speaks)
                }
            }
        }
    }

    private func subscribingClients(_ redis: RedisServer) async throws {
        try await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
    }

    @Test("what was published while the subscribing link was cut comes in order, before live traffic")
    func cut() async throws {
        try await withBrokers { redis, hears, speaks in
            for name in ["h:a", "h:b"] { try await hears.subscribe(name) }
            var number = 0
            for round in 1...5 {
                for _ in 0..<3 {
                    number += 1
                    for name in ["h:a", "h:b"] { try await speaks.publish(name, "\(number)") }
                }
                try await subscribingClients(redis)
                for _ in 0..<4 {
                    number += 1
                    for name in ["h:a", "h:b"] { try await speaks.publish(name, "\(number)") }
                }
                let wanted = UInt64(number)
                try await eventually("round \(round) is whole") {
                    hears.positions().filter { $0 == wanted }.count == 2
                }
            }
            let expected = Array(1...UInt64(number))
            for name in ["h:a", "h:b"] { #expect(hears.positions(in: name) == expected) }
            #expect(hears.metrics.counters.value(.insufficient) == 0)
        }
    }

    @Test("a publication that Pub/Sub lost without a trace is found by the next one, or by the check of positions")
    func silentLoss() async throws {
        try await withBrokers { redis, hears, speaks in
            try await hears.subscribe("h:a")
            let first = try await speaks.publish("h:a", "1").get()
            let epoch = try #require(first.position?.epoch)
            try await eventually("the first is there") { hears.positions() == [1] }
            // What a Redis does that loses a message: the stream has it, nobody heard it.
            try await lose(redis, offset: 2)
            try await speaks.publish("h:a", "3")
            try await eventually("both are there") { hears.positions() == [1, 2, 3] }
            try await lose(redis, offset: 4)
            try await eventually("the check finds it") { hears.positions() == [1, 2, 3, 4] }
            #expect(hears.texts() == ["1", "lost", "3", "lost"])
            #expect(hears.metrics.counters.value(.repaired) == 2)
            _ = epoch
        }
    }

    @Test("what a read brings is marked, so that subscribers get room for it; what Pub/Sub brings is not")
    func marks() async throws {
        try await withBrokers { redis, hears, speaks in
            try await hears.subscribe("h:a")
            try await speaks.publish("h:a", "1")
            try await eventually("the first is there") { hears.positions() == [1] }
            try await lose(redis, offset: 2)
            try await speaks.publish("h:a", "3")
            try await eventually("both are there") { hears.positions() == [1, 2, 3] }
            try await speaks.publish("h:a", "4")
            try await eventually("the last is there") { hears.positions() == [1, 2, 3, 4] }
            let marks = hears.events().compactMap { event -> Bool? in
                if case .publication(let prepared) = event { prepared.isRepaired } else { nil }
            }
            #expect(marks[0..<2] == [false, true] && marks.last == false)
        }
    }

    private func lose(_ redis: RedisServer, offset: Int) async throws {
        try await redis.command("XADD", "fanfare:{h:a}:stream", "\(offset)-9999999999", "d", "lost")
        try await redis.command("HSET", "fanfare:{h:a}:meta", "s", "\(offset)")
    }

    @Test("where the stream does not hold what was missed, the receiver is told, and goes on from there")
    func insufficient() async throws {
        try await withBrokers { redis, hears, speaks in
            try await hears.subscribe("h:a")
            let first = try await speaks.publish("h:a", "1").get()
            try await eventually("the first is there") { hears.positions() == [1] }
            try await redis.command("DEL", "fanfare:{h:a}:stream")
            try await redis.command("HSET", "fanfare:{h:a}:meta", "s", "40")
            try await speaks.publish("h:a", "41")
            try await eventually("it is told") { !hears.insufficient().isEmpty }
            let epoch = try #require(first.position?.epoch)
            // The check of positions may come before the publish.
            let told = try #require(hears.insufficient().first)
            #expect(hears.insufficient().count == 1 && told.epoch == epoch && (40...41).contains(told.offset))
            try await speaks.publish("h:a", "42")
            let expected = [1] + (told.offset + 1...42)
            try await eventually("it goes on") { hears.positions() == expected }
        }
    }

    @Test("Redis comes back empty: the receiver is told of the new stream, and hears it from its beginning")
    func empty() async throws {
        try await withBrokers { redis, hears, speaks in
            try await hears.subscribe("h:a")
            for number in 1...3 { try await speaks.publish("h:a", "\(number)") }
            try await eventually("all are there") { hears.positions() == [1, 2, 3] }
            await redis.kill()
            try await hears.isDown()
            try await redis.restart()
            try await hears.isUp()
            try await speaks.isUp()
            try await eventually("it is told") { !hears.insufficient().isEmpty }
            let told = try #require(hears.insufficient().first)
            #expect(told.offset == 0)
            try await speaks.publish("h:a", "new")
            try await eventually("it hears the new stream") { hears.positions() == [1, 2, 3, 1] }
        }
    }

    @Test("Redis comes back with its data: nothing is lost, nobody is told, and the offsets leap")
    func restart() async throws {
        let options = RedisServer.Options(arguments: ["--appendonly", "yes", "--appendfsync", "always"])
        try await withBrokers(options) { redis, hears, speaks in
            try await hears.subscribe("h:a")
            for number in 1...3 { try await speaks.publish("h:a", "\(number)") }
            try await eventually("all are there") { hears.positions() == [1, 2, 3] }
            await redis.kill()
            try await hears.isDown()
            try await redis.restart()
            try await speaks.isUp()
            let receipt = try await speaks.publish("h:a", "4").get()
            let offset = try #require(receipt.position?.offset)
            #expect(offset > 1_000_000)
            try await eventually("it is there") { hears.positions() == [1, 2, 3, offset] }
            let epoch = try #require(receipt.position?.epoch)
            let page = try await speaks.history("h:a", HistoryQuery(limit: 9))
            let all = page.publications(after: StreamPosition(offset: 1, epoch: epoch))
            #expect(all?.count == 3)
            let void = page.publications(after: StreamPosition(offset: 4, epoch: epoch))
            #expect(void == nil)
            #expect(hears.insufficient() == [])
        }
    }

    @Test("an event loop that is too far behind is told where its channels go on, and never has a silent gap")
    func backlog() async throws {
        try await withRedis { redis in
            let rules = HistoryContractTests.rules
            let probe = try BrokerProbe.redis(redis.url, rules: rules) { $0.maxBacklogBytes = 20_000 }
            try await withProbe(probe) { probe in
                try await probe.isUp()
                try await probe.fallsBehindWithoutGap(in: "h:a")
            }
        }
    }

    @Test("what never came in a channel without history is counted")
    func losses() async throws {
        try await withBrokers { redis, hears, speaks in
            try await hears.subscribe("plain:a")
            for number in 1...3 { try await speaks.publish("plain:a", "\(number)") }
            try await eventually("all are there") { hears.texts().count == 3 }
            #expect(hears.metrics.counters.value(.lost) == 0)
            try await subscribingClients(redis)
            // Lost, or not, as the link is back or not: what counts is that the sum is right.
            for number in 4...20 { try await speaks.publish("plain:a", "\(number)") }
            try await hears.isUp()
            try await eventually("the last is there") {
                try await speaks.publish("plain:a", "last")
                return hears.texts().contains("last")
            }
            try await eventually("every publication came or is counted") {
                let published = speaks.metrics.counters.value(.published)
                return hears.texts().count + hears.metrics.counters.value(.lost) == published
            }
        }
    }
}
