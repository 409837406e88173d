import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// What Redis itself does to members.
@Suite("Presence and Redis")
struct PresenceOutageTests {
    private func with(ttl: Duration, _ body: (RedisServer, BrokerProbe, BrokerProbe) async throws -> Void) async throws
    {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url, presenceTTL: ttl)) { one in
                try await withProbe(try .redis(redis.url, presenceTTL: ttl)) { other in
                    try await one.isUp()
                    try await other.isUp()
                    try await one.subscribe("a")
                    try await body(redis, one, other)
                }
            }
        }
    }

    /// Nobody was refreshed: for Redis that is an outage of everybody.
    private func expire(_ clients: String..., in redis: RedisServer) async throws {
        for client in clients { try await redis.command("ZADD", "fanfare:{a}:expiry", "XX", "1", client) }
    }

    @Test("after an outage of all nodes the first that comes back does not end the members of the others")
    func mercy() async throws {
        try await with(ttl: .seconds(3_600)) { redis, one, other in
            try await one.join("1", in: "a")
            try await other.join("2", in: "a")
            try await expire("1", "2", in: redis)
            let early = try await one.refresh("1", in: "a")
            #expect(early.missing.isEmpty)
            let both = try await one.clients("a")
            #expect(both == ["1", "2"])
            let back = try await other.refresh("2", in: "a")
            #expect(back.missing.isEmpty)
            try await one.publish("a", "end")
            try await eventually("the end is heard") { one.texts() == ["end"] }
            #expect(one.comings() == ["+1", "+2"])
        }
    }

    @Test("mercy is given once: who does not come back is gone")
    func mercyEnds() async throws {
        try await with(ttl: .seconds(3_600)) { redis, one, other in
            try await one.join("1", in: "a")
            try await other.join("2", in: "a")
            try await expire("1", "2", in: redis)
            try await one.refresh("1", in: "a")
            #expect(try await one.clients("a") == ["1", "2"])
            // Another outage; half a millisecond says that the other was spared before.
            try await expire("1", in: redis)
            try await redis.command("ZADD", "fanfare:{a}:expiry", "XX", "1.5", "2")
            try await one.refresh("1", in: "a")
            try await eventually("the other is gone") { one.comings() == ["+1", "+2", "-2"] }
            #expect(try await one.clients("a") == ["1"])
        }
    }

    @Test("a Redis that lost its data gets the members back, and nobody hears of it")
    func lostData() async throws {
        try await with(ttl: .seconds(3_600)) { redis, one, _ in
            try await one.join("1", "2", in: "a")
            try await redis.command("FLUSHALL")
            let missing = try await one.refresh("1", "2", in: "a").missing
            #expect(missing == ["1", "2"])
            try await one.join("1", "2", in: "a", returning: true)
            let clients = try await one.clients("a")
            #expect(clients == ["1", "2"])
            try await one.leave("2", in: "a")
            try await eventually("the leave is heard") { one.comings() == ["+1", "+2", "-2"] }
        }
    }

    @Test("one key that Redis evicted is made good by the next refresh", arguments: ["presence", "expiry", "users"])
    func eviction(key: String) async throws {
        try await with(ttl: .seconds(3_600)) { redis, one, _ in
            try await one.join("1", "2", in: "a")
            try await redis.command("DEL", "fanfare:{a}:\(key)")
            let missing = try await one.refresh("1", "2", in: "a").missing
            if !missing.isEmpty { try await one.join("1", "2", in: "a", returning: true) }
            let clients = try await one.clients("a")
            #expect(clients == ["1", "2"])
            try await one.leave("1", "2", in: "a")
            let keys = try await redis.command(
                "EXISTS", "fanfare:{a}:presence", "fanfare:{a}:expiry", "fanfare:{a}:users")
            #expect(keys.hasSuffix("0"))
        }
    }

    @Test("the keys of a channel go by themselves when all its nodes are dead")
    func keysExpire() async throws {
        try await with(ttl: .milliseconds(200)) { redis, one, _ in
            try await one.join("1", in: "a")
            try await eventually("no key is left") {
                let keys = try await redis.command("KEYS", "fanfare:{a}:*")
                return keys.isEmpty || keys == "(empty array)"
            }
        }
    }

    @Test("a member that no node wrote is left out")
    func foreign() async throws {
        try await with(ttl: .seconds(3_600)) { redis, one, _ in
            try await one.join("1", in: "a")
            try await redis.command("HSET", "fanfare:{a}:presence", "2", "nonsense", "3", #"{"client":""}"#)
            try await redis.command("ZADD", "fanfare:{a}:expiry", "9999999999999", "2", "9999999999999", "3")
            let clients = try await one.clients("a")
            #expect(clients == ["1"])
            try await one.leave("1", "2", "3", in: "a")
            try await eventually("the leave is heard") { one.comings() == ["+1", "-1"] }
        }
    }

    @Test(
        "a member whose info is not UTF-8 or nested too deep is left out and counted, and its leave is told to nobody",
        arguments: [#"'"' .. string.char(255) .. '"'"#, "string.rep('[', 65) .. string.rep(']', 65)"])
    func foreignInfo(lua: String) async throws {
        try await with(ttl: .seconds(3_600)) { redis, one, _ in
            try await one.join("1", in: "a")
            try await redis.command(
                "EVAL",
                "return redis.call('HSET', KEYS[1], '2', '{\"client\":\"2\",\"conn_info\":' .. \(lua) .. '}')",
                "1", "fanfare:{a}:presence")
            try await redis.command("ZADD", "fanfare:{a}:expiry", "9999999999999", "2")
            let clients = try await one.clients("a")
            #expect(clients == ["1"])
            #expect(one.metrics.counters.value(.unreadable) >= 1)
            try await one.leave("2", "1", in: "a")
            try await eventually("the leave is heard") { one.comings() == ["+1", "-1"] }
            #expect(one.metrics.counters.value(.dropped) >= 1)
        }
    }

    @Test("a join by hand in a channel without join-leave is told to nobody")
    func uninvited() async throws {
        try await with(ttl: .seconds(3_600)) { redis, one, _ in
            for channel in ["quiet:a", "none:a"] {
                try await one.subscribe(channel)
                try await redis.command(
                    "EVAL",
                    "return redis.call('PUBLISH', ARGV[1], string.char(0, 0x46, 0x46, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) .. ARGV[2])",
                    "0", "fanfare:\(channel)", #"{"client":"1"}"#)
                try await redis.command("PUBLISH", "fanfare:\(channel)", "marker")
            }
            try await eventually("both markers are heard") { one.texts() == ["marker", "marker"] }
            #expect(one.comings() == [])
            #expect(one.metrics.counters.value(.dropped) == 2)
        }
    }
}
