import FanfareCore
import FanfareTestKit
import FanfareWire
import Foundation
import Testing

@testable import FanfareRedis

/// Users whose access list forbids something that the configured channels need.
@Suite("Rights of the Redis user")
struct RightsTests {
    /// What docs/operations.md says that a user needs.
    static let documented = [
        "~fanfare:*", "&fanfare:*", "+@connection", "+@read", "+@write", "+@pubsub", "+@scripting", "+info", "+time",
    ]

    private func withUser(
        _ rights: [String], rules: ChannelRulebook, _ body: (RedisServer, BrokerProbe) async throws -> Void
    ) async throws {
        try await withRedis { redis in
            _ = try await redis.tool(
                ["-p", "\(redis.port)", "ACL", "SETUSER", "f", "on", ">secret", "resetchannels"] + rights)
            let probe = try BrokerProbe.redis("redis://f:secret@127.0.0.1:\(redis.port)", rules: rules) {
                $0.probeInterval = .milliseconds(200)
            }
            try await withProbe(probe) { probe in
                try await body(redis, probe)
            }
        }
    }

    @Test("the rights in docs/operations.md are these")
    func documentation() throws {
        let text = try String(contentsOfFile: Repository.path + "/docs/operations.md", encoding: .utf8)
        for right in Self.documented { #expect(text.contains(right), "\(right)") }
    }

    private static let presence = BrokerProbe.presenceRules(ttl: .seconds(60))

    @Test("the documented rights are enough for histories and members, and nothing is left behind")
    func enough() async throws {
        try await withUser(Self.documented, rules: HistoryContractTests.rules) { redis, probe in
            try await probe.isUp()
            #expect(try await redis.command("DBSIZE") == "0")
            try await probe.subscribe("h:a")
            _ = try await probe.publish("h:a", "1", key: "k").get()
            try await redis.command("XADD", "fanfare:{h:a}:stream", "*", "x", "y")
            _ = try await probe.publish("h:a", "2").get()
            try await eventually("both are heard") { probe.texts() == ["1", "2"] }
            #expect(try await probe.history("h:a", HistoryQuery(limit: 9)).texts == ["1", "2"])
        }
        try await withUser(Self.documented, rules: Self.presence) { _, probe in
            try await probe.isUp()
            try await probe.subscribe("a")
            try await probe.join("1", in: "a")
            try await probe.leave("1", in: "a")
            try await eventually("both are heard") { probe.comings() == ["+1", "-1"] }
        }
    }

    @Test(
        "a missing right is named, and the node is not ready until it is there",
        arguments: [
            ("-xadd", "xadd", "XADD"), ("-@stream", "@stream", "XADD, XDEL, XLEN, XRANGE, XREVRANGE"),
            ("-setbit", "setbit", "SETBIT"),
            ("-@scripting", "@scripting", "SCRIPT LOAD"), ("-evalsha", "evalsha", "EVALSHA"), ("-del", "del", "DEL"),
        ])
    func missing(taken: String, given: String, name: String) async throws {
        try await withUser(Self.documented + [taken], rules: HistoryContractTests.rules) { redis, probe in
            try await eventually("it is told: \(probe.broker.status)") {
                probe.broker.status.problem?.contains("the user may not run \(name)") == true
            }
            #expect(!probe.broker.status.isUp)
            try await redis.command("ACL", "SETUSER", "f", "+\(given)")
            // A script that could not be loaded is, with the next link.
            if name == "SCRIPT LOAD" { try await redis.command("CLIENT", "KILL", "TYPE", "normal") }
            try await probe.isUp()
            try await probe.subscribe("h:a")
        }
    }

    @Test(
        "a user that may not hear or send all of the node's channels is told which, and the node is ready when it may",
        arguments: [
            // Those of clients and of the probe, but not those by which nodes speak to each other.
            (["resetchannels", "&fanfare:[a-z]*", #"&fanfare:\*probe:*"#], "&fanfare:*", "SUBSCRIBE", "&fanfare:*"),
            (["resetchannels", "&other:*"], "&fanfare:*", "SUBSCRIBE", "&fanfare:*"),
            (["-subscribe"], "+subscribe", "SUBSCRIBE", nil), (["-publish"], "+publish", "PUBLISH", nil),
        ])
    func channels(taken: [String], given: String, command: String, pattern: String?) async throws {
        try await withUser(Self.documented + taken, rules: ChannelRulebook()) { redis, probe in
            let told = "the user may not run \(command)"
            try await eventually("it is told: \(probe.broker.status)") {
                // Refused while there is no link; then whoever wants it asks again, as the control bus does.
                if probe.broker.status.isUp { probe.broker.subscribe(.control, receiver: 0, ticket: 1_000) }
                let problem = probe.broker.status.problem ?? ""
                return problem.contains(told) && pattern.map(problem.contains) != false
            }
            #expect(!probe.broker.status.isUp)
            try await redis.command("ACL", "SETUSER", "f", given)
            try await probe.isUp()
            try await probe.subscribe("a")
            _ = try await probe.publish("a", "1").get()
            try await eventually("it is heard") { probe.texts() == ["1"] }
        }
    }

    @Test("channels without history need no rights to streams")
    func plain() async throws {
        try await withUser(Self.documented + ["-@stream", "-@scripting"], rules: ChannelRulebook()) { _, probe in
            try await probe.isUp()
            try await probe.subscribe("a")
            _ = try await probe.publish("a", "1").get()
            try await eventually("it is heard") { probe.texts() == ["1"] }
        }
    }
}
