import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

@Suite("Redis behind sentinels", .serialized)
struct SentinelTests {
    /// Sentinels need seconds to agree on a new master.
    private func flows(_ probe: BrokerProbe, _ text: String) async throws {
        try await probe.flows("a", text)
        try await probe.isUp()
    }

    @Test(
        "the master dies or hangs: publications flow over the new one, the subscription is healed",
        arguments: [false, true])
    func masterDies(hangs: Bool) async throws {
        try await withSentinels { group in
            try await withProbe(try .redis("redis+sentinel://\(group.authority)") { $0.hurry() }) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                try await eventually("it arrives") {
                    try await group.master.command("PUBLISH", "fanfare:a", "before")
                    return probe.texts().contains("before")
                }
                if hangs { group.master.freeze() } else { await group.master.kill() }
                try await probe.isDown()
                try await flows(probe, "after")
                try await eventually("it is subscribed there") {
                    try await group.replica.command("PUBLISH", "fanfare:a", "direct") == "1"
                }
            }
        }
    }

    @Test("the master is demoted and lives on, one sentinel is dead: both links leave it")
    func masterDemoted() async throws {
        try await withSentinels { group in
            await group.killSentinel(2)
            let hosts = [group.ports[2], group.ports[0], group.ports[1]].map { "127.0.0.1:\($0)" }
            let url = "redis+sentinel://\(hosts.joined(separator: ","))/\(FanfareTestKit.RedisSentinels.masterName)"
            try await withProbe(try .redis(url)) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                try await group.failOver()
                try await eventually(within: .seconds(60), "the new master has the subscription") {
                    try await group.replica.command("PUBSUB", "NUMSUB", "fanfare:a").contains("1")
                }
                try await flows(probe, "after")
                try await eventually("nothing is left at the old one") {
                    try await group.master.command("PUBSUB", "NUMSUB", "fanfare:a").contains("0")
                }
            }
        }
    }

    @Test("Redis and the sentinels have passwords of their own; a wrong one or name is told without secrets")
    func passwords() async throws {
        try await withSentinels(password: "hunter2", sentinelPassword: "hunter3") { group in
            let url = "redis+sentinel://:hunter2@\(group.authority)"
            try await withProbe(try .redis(url + "/1?sentinel-password=hunter3")) { try await $0.isUp() }
            try await withProbe(try .redis(url + "?sentinel-password=hunter4")) { probe in
                try await eventually("the refusal is told: \(probe.broker.status)") {
                    probe.broker.status.problem?.contains("AUTH refused") == true
                }
                #expect(probe.broker.status.problem?.contains("hunter") == false)
            }
            let stranger = url.replacing("mymaster", with: "other") + "?sentinel-password=hunter3"
            try await withProbe(try .redis(stranger)) { probe in
                try await eventually("the name is told: \(probe.broker.status)") {
                    probe.broker.status.problem?.contains("knows no master 'other'") == true
                }
            }
        }
    }

    @Test("only a master is taken for one")
    func roles() throws {
        func objection(_ bytes: String) throws -> String? {
            let reader = try #require(ReplyReader())
            var words: String??
            try reader.read(ByteBuffer(string: bytes)) { words = .some(MasterWatch.objection($0)) }
            return try #require(words)
        }
        #expect(try objection("*3\r\n$6\r\nmaster\r\n:1\r\n*0\r\n") == nil)
        #expect(try objection("*2\r\n$5\r\nslave\r\n$1\r\nh\r\n")?.contains("slave") == true)
        #expect(try objection("*0\r\n") != nil)
        #expect(try objection("+OK\r\n") != nil)
    }
}
