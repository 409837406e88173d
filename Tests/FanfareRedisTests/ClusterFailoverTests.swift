import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// A cluster each: masters die.
@Suite("Cluster broker: failover", .serialized)
struct ClusterFailoverTests {
    @Test("a master dies: its replica takes over, with the subscriptions")
    func failover() async throws {
        try await withRedisCluster { cluster in
            try await withProbe(try .redis(cluster.url)) { probe in
                try await probe.isUp()
                let names = ["a", "b", "c", "d", "e", "f"]
                for name in names { try await probe.subscribe(name) }
                let victim = try await cluster.owner(of: "a")
                await victim.kill()
                try await probe.isDown()
                try await probe.flows("a", "after a")
                try await eventually(within: .seconds(60), "all is well: \(probe.broker.status)") {
                    probe.broker.status.isUp
                }
                for name in names { try await probe.flows(name, "again \(name)") }
                #expect(probe.answers() == 6)
                for name in names { #expect(probe.texts().count { $0 == "again \(name)" } >= 1) }
            }
        }
    }

    @Test("a master with a history dies: its subscribers go on with its replica, in order and without a repeat")
    func historyFailover() async throws {
        var rules = ChannelRules()
        rules.history = .init(size: 1_000, age: .seconds(600))
        let rulebook = ChannelRulebook(namespaces: ["h": rules])
        try await withRedisCluster { cluster in
            try await withProbe(try .redis(cluster.url, rules: rulebook)) { probe in
                try await probe.isUp()
                try await probe.subscribe("h:a")
                let victim = try await cluster.owner(of: "h:a")
                for number in 0..<20 { _ = try await probe.publish("h:a", "\(number)").get() }
                try await eventually("its replica has all of it") {
                    let info = try await victim.command("INFO", "replication")
                    let all = info.firstMatch(of: /master_repl_offset:(\d+)/).flatMap { Int($0.1) }
                    let copied = info.firstMatch(of: /slave0:.*offset=(\d+)/).flatMap { Int($0.1) }
                    return copied != nil && copied == all
                }
                await victim.kill()
                var tried = (0..<20).map(String.init)
                var accepted = tried
                try await eventually(within: .seconds(60), "publishes are taken again: \(probe.broker.status)") {
                    tried.append("\(tried.count)")
                    guard case .success = try await probe.publish("h:a", tried[tried.count - 1]) else { return false }
                    accepted.append(tried[tried.count - 1])
                    return accepted.count == 30
                }
                try await eventually("all arrive: \(probe.texts()), \(accepted)") {
                    Set(accepted).isSubset(of: probe.texts())
                }
                let texts = probe.texts().compactMap { Int($0) }
                #expect(texts == Set(texts).sorted())
                #expect(!probe.events().contains { if case .insufficient = $0 { true } else { false } })
                #expect(probe.answers() == 1)
            }
        }
    }
}
