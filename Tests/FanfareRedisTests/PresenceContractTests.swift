import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

/// The contract in `PresenceStore.swift`, held by all brokers.
@Suite("Presence contract")
struct PresenceContractTests {
    typealias Kind = BrokerContractTests.Kind

    private func with(
        _ kind: Kind, ttl: Duration = .seconds(3_600), _ body: (BrokerProbe) async throws -> Void
    ) async throws {
        try await kind.with(rules: BrokerProbe.presenceRules(ttl: ttl), body)
    }

    @Test("who joined is there with all that is known of it, and who left is not", arguments: Kind.allCases)
    func members(kind: Kind) async throws {
        try await with(kind) { probe in
            let ann = ClientInfo(
                client: "1", user: "ann \"é\"", connInfo: ByteBuffer(string: #"{"name":"Ann"}"#),
                chanInfo: ByteBuffer(string: "[1]"))
            try await probe.join(
                [ann, ClientInfo(client: "2", user: "bob"), ClientInfo(client: "3", user: "bob")], "a")
            let page = try await probe.page("a")
            #expect(page.total == 3)
            #expect(page.members.first { $0.client == "1" } == ann)
            let stats = try await probe.stats("a")
            #expect(stats == PresenceStats(clients: 3, users: 2))
            try await probe.leave("2", "nobody", in: "a")
            let after = try await probe.stats("a")
            #expect(after == PresenceStats(clients: 2, users: 2))
            try await probe.leave("3", in: "a")
            let left = try await probe.clients("a")
            let last = try await probe.stats("a")
            #expect(left == ["1"])
            #expect(last == PresenceStats(clients: 1, users: 1))
            let elsewhere = try await probe.stats("b")
            #expect(elsewhere == PresenceStats(clients: 0, users: 0))
        }
    }

    @Test("everyone hears of each coming and going once, in order", arguments: Kind.allCases)
    func events(kind: Kind) async throws {
        try await with(kind) { probe in
            for receiver in 0...1 { try await probe.subscribe("a", receiver: receiver) }
            try await probe.join("1", "2", in: "a")
            try await probe.join("1", in: "a")
            try await probe.leave("2", in: "a")
            try await probe.leave("2", "3", in: "a")
            try await probe.join("2", in: "a")
            let expected = ["+1", "+2", "-2", "+2"]
            try await eventually("all is heard") { probe.comings(0).count == 4 && probe.comings(1).count == 4 }
            try await probe.publish("a", "end")
            try await eventually("the end is heard") { probe.texts() == ["end"] }
            #expect(probe.comings(0) == expected)
            #expect(probe.comings(1) == expected)
        }
    }

    @Test("a channel without join-leave is silent, and one without presence tells nothing", arguments: Kind.allCases)
    func rules(kind: Kind) async throws {
        try await with(kind) { probe in
            try await probe.subscribe("quiet:1")
            try await probe.join("1", in: "quiet:1")
            try await probe.leave("1", in: "quiet:1")
            try await probe.publish("quiet:1", "end")
            try await eventually("the end is heard") { probe.texts() == ["end"] }
            #expect(probe.comings().isEmpty)
            await #expect(throws: BrokerError.noPresence) { try await probe.join("1", in: "none:1") }
            await #expect(throws: BrokerError.noPresence) { try await probe.page("none:1") }
            await #expect(throws: BrokerError.noPresence) { try await probe.stats("none:1") }
        }
    }

    @Test(
        "who is not refreshed is gone after its time, with one leave; who is refreshed stays", arguments: Kind.allCases)
    func expiry(kind: Kind) async throws {
        try await with(kind, ttl: .seconds(12)) { probe in
            try await probe.subscribe("a")
            let outlook = try await probe.join("dead", "alive", in: "a")
            let next = try #require(outlook.nextExpiry)
            #expect(next > .seconds(1) && next <= .seconds(12))
            try await eventually("it has expired") {
                try await probe.refresh("alive", in: "a")
                return try await probe.clients("a") == ["alive"]
            }
            for _ in 0..<3 { try await probe.reap("a") }
            try await eventually("one is left") {
                try await probe.refresh("alive", in: "a")
                return try await probe.stats("a") == PresenceStats(clients: 1, users: 1)
            }
            try await probe.publish("a", "end")
            try await eventually("the end is heard") { probe.texts() == ["end"] }
            #expect(probe.comings() == ["+dead", "+alive", "-dead"])
        }
    }

    @Test("who comes back is announced only when its end was", arguments: Kind.allCases)
    func returning(kind: Kind) async throws {
        try await with(kind, ttl: .seconds(12)) { probe in
            try await probe.subscribe("a")
            try await probe.join("alive", "late", in: "a")
            try await eventually("one has expired") {
                try await probe.refresh("alive", in: "a")
                return try await probe.clients("a") == ["alive"]
            }
            let outlook = try await probe.refresh("alive", "late", "lost", in: "a")
            #expect(outlook.missing.map(\.string).sorted() == ["late", "lost"])
            try await probe.join("late", "lost", in: "a", returning: true)
            let clients = try await probe.clients("a")
            #expect(clients == ["alive", "late", "lost"])
            try await probe.publish("a", "end")
            try await eventually("the end is heard") { probe.texts() == ["end"] }
            #expect(probe.comings() == ["+alive", "+late", "-late", "+late"])
        }
    }

    @Test("more members than the limit are counted and not given", arguments: Kind.allCases)
    func limit(kind: Kind) async throws {
        try await with(kind) { probe in
            for batch in 0..<3 {
                let infos = (0..<PresenceTiming.batch).map {
                    ClientInfo(client: ExactText("\(batch)-\($0)"), user: ExactText("u\($0 % 7)"))
                }
                try await probe.join(infos, "a")
            }
            let all = try await probe.page("a", limit: 1_500)
            #expect(all.members.count == 1_500 && all.total == 1_500)
            let none = try await probe.page("a", limit: 1_499)
            #expect(none.isTooLarge && none.total == 1_500)
            let stats = try await probe.stats("a")
            #expect(stats == PresenceStats(clients: 1_500, users: 7))
            let missing = try await probe.refresh("0-0", "2-499", "x", in: "a").missing
            #expect(missing == ["x"])
        }
    }

    @Test("members with more bytes than asked for are counted and not given", arguments: Kind.allCases)
    func bytes(kind: Kind) async throws {
        try await with(kind) { probe in
            let big = ByteBuffer(string: "\"" + String(repeating: "x", count: 4_000) + "\"")
            for batch in 0..<6 {
                let infos = (0..<100).map {
                    ClientInfo(client: ExactText("\(batch)-\($0)"), user: "u", connInfo: big, chanInfo: big)
                }
                try await probe.join(infos, "a")
            }
            // 4.8 MB in all.
            for most in [1, 500_000, HistoryPage.maximumBytes] {
                let none = try await probe.page("a", maxBytes: most)
                #expect(none.isTooLarge && none.total == 600)
            }
            let all = try await probe.page("a", maxBytes: 6_000_000)
            #expect(all.members.count == 600 && all.total == 600)
            for batch in 0..<5 { try await probe.leave((0..<100).map { "\(batch)-\($0)" }, in: "a") }
            let rest = try await probe.page("a", maxBytes: 1_000_000)
            #expect(rest.members.count == 100)
        }
    }

    @Test("Redis stops reading members when they are too many bytes")
    func readBytes() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url, presenceTTL: .seconds(3_600))) { probe in
                try await probe.isUp()
                let big = ByteBuffer(string: "\"" + String(repeating: "x", count: 4_000) + "\"")
                for batch in 0..<10 {
                    try await probe.join(
                        (0..<100).map { ClientInfo(client: ExactText("\(batch)-\($0)"), connInfo: big, chanInfo: big) },
                        "a")
                }
                func reads() async throws -> Int {
                    let stats = try await redis.command("INFO", "commandstats")
                    let line = stats.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_hmget:calls=") }
                    return line.flatMap { Int($0.dropFirst(20).prefix { $0 != "," }) } ?? 0
                }
                let before = try await reads()
                let page = try await probe.page("a", maxBytes: 524_288)
                let after = try await reads()
                #expect(page.isTooLarge && page.total == 1_000)
                // 16 of 8 KB each time: once to see that they are no small room, five times until they are too many.
                #expect(after - before == 6)
                let link = probe.metrics.counters.value(.reconnects)
                #expect(link == 0)
            }
        }
    }
}
