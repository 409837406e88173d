import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// One cluster, whose slots and masters move from test to test.
@Suite("Cluster broker", .serialized, OwnCluster())
struct ClusterBrokerTests {
    private func withCluster(_ body: (RedisClusterServers) async throws -> Void) async throws {
        try await body(try #require(OwnCluster.current))
    }

    @Test(
        "an event loop that is too far behind is told where a channel with history goes on, and never has a silent gap")
    func backlog() async throws {
        try await withCluster { cluster in
            let probe = try BrokerProbe.redis(cluster.url, rules: HistoryContractTests.rules) {
                $0.maxBacklogBytes = 20_000
            }
            try await withProbe(probe) { probe in
                try await probe.isUp()
                try await probe.fallsBehindWithoutGap(in: "h:behind")
            }
        }
    }

    @Test("channels of all masters flow, also from a backend, and Redis is only subscribed to what somebody wants")
    func flows() async throws {
        try await withCluster { cluster in
            try await withProbe(try .redis(cluster.url)) { probe in
                try await probe.isUp()
                let names = (0..<60).map { "c\($0)" }
                for name in names { _ = try probe.ask(name) }
                try await eventually("all are subscribed") { probe.answers() == 60 }
                var owners: Set<Int> = []
                for name in names.prefix(12) {
                    let owner = try await cluster.owner(of: name)
                    owners.insert(owner.port)
                    #expect(try await owner.command("SPUBLISH", "fanfare:{\(name)}", "s\(name)") == "1")
                }
                #expect(owners.count == 3, "twelve channels live on one master")
                for name in names { try await probe.publish(name, name) }
                let expected = Set(names + names.prefix(12).map { "s\($0)" })
                try await eventually("all arrive") { Set(probe.texts()) == expected }
                #expect(probe.texts().count == expected.count)
                #expect(probe.metrics.counters.value(.channels) == 60)
                for name in names { probe.broker.unsubscribe(try ChannelName(name), receiver: 0) }
                try await eventually("nothing is left") {
                    var left = ""
                    for server in cluster.servers {
                        left += try await server.command("PUBSUB", "SHARDCHANNELS", "fanfare:{*")
                    }
                    return left == ""
                }
            }
        }
    }

    @Test("a Redis that is no cluster is told, and nothing is taken")
    func noCluster() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis("redis+cluster://127.0.0.1:\(redis.port)")) { probe in
                try await eventually("the problem is told: \(probe.broker.status)") {
                    probe.broker.status.problem?.contains("cluster support disabled") == true
                }
                let result = try await probe.publish("a", "x")
                #expect(throws: BrokerError.unavailable) { try result.get() }
                let ticket = try probe.ask("a")
                try await eventually("the subscription is refused") {
                    probe.events().contains {
                        if case .subscribeFailed(_, ticket, .unavailable) = $0 { true } else { false }
                    }
                }
            }
        }
    }

    @Test("a slot moves under a subscription: it moves along, answered once, and nothing comes twice")
    func reshard() async throws {
        try await withCluster { cluster in
            try await withProbe(try .redis(cluster.url)) { probe in
                try await probe.isUp()
                // The lowest slots go first: a channel in one of them, and one that stays.
                let source = try await cluster.ownerOfSlotZero()
                let low = try #require(
                    (0..<20_000).map { "m\($0)" }.first { HashSlot.slot(of: $0.utf8) < 60 })
                let high = try #require(
                    (0..<20_000).map { "m\($0)" }.first { (1_000..<4_000).contains(HashSlot.slot(of: $0.utf8)) })
                try await probe.subscribe(low)
                try await probe.subscribe(high)
                try await probe.flows(low, "before")
                let target = try #require(
                    try await cluster.masters().first { $0.port != source.port })
                try await cluster.reshard(60, from: source, to: target)
                try await eventually("the new owner has the subscription") {
                    try await target.command("PUBSUB", "SHARDNUMSUB", "fanfare:{\(low)}").contains("1")
                }
                try await probe.flows(low, "after")
                try await probe.flows(high, "stays")
                #expect(try await target.command("SPUBLISH", "fanfare:{\(low)}", "direct") == "1")
                try await eventually("it arrives") { probe.texts().contains("direct") }
                #expect(probe.texts().count { $0 == "direct" } == 1)
                #expect(probe.answers() == 2)
                try await probe.isUp()
                // And the way back, with the probe's own slot perhaps among those that move.
                try await cluster.reshard(60, from: target, to: source)
                try await probe.flows(low, "back")
                try await probe.isUp()
                #expect(probe.answers() == 2)
            }
        }
    }

    @Test("publishes go on while slots move: each is confirmed, or refused as temporary")
    func publishWhileMoving() async throws {
        try await withCluster { cluster in
            try await withProbe(try .redis(cluster.url)) { probe in
                try await probe.isUp()
                let source = try await cluster.ownerOfSlotZero()
                let low = try #require((0..<20_000).map { "m\($0)" }.first { HashSlot.slot(of: $0.utf8) < 40 })
                let target = try #require(try await cluster.masters().first { $0.port != source.port })
                async let moved: Void = cluster.reshard(40, from: source, to: target)
                for number in 0..<300 {
                    let result = try await probe.publish(low, "\(number)")
                    if case .failure(let error) = result { #expect(error == .unavailable) }
                    try await Task.sleep(for: .milliseconds(5))
                }
                try await moved
                try await eventually("publications are taken again") {
                    guard case .success = try await probe.publish(low, "end") else { return false }
                    return true
                }
            }
        }
    }

    @Test("a channel with history moves while it is published into: nothing is missing, repeated or out of order")
    func historyMoves() async throws {
        var rules = ChannelRules()
        rules.history = .init(size: 10_000, age: .seconds(600))
        let rulebook = ChannelRulebook(namespaces: ["h": rules])
        try await withCluster { cluster in
            try await withProbe(try .redis(cluster.url, rules: rulebook)) { probe in
                try await probe.isUp()
                let source = try await cluster.ownerOfSlotZero()
                let low = try #require((0..<40_000).map { "h:\($0)" }.first { HashSlot.slot(of: $0.utf8) < 40 })
                let target = try #require(try await cluster.masters().first { $0.port != source.port })
                try await probe.subscribe(low, receiver: 0)
                try await probe.subscribe(low, receiver: 1)
                async let moved: Void = cluster.reshard(40, from: source, to: target)
                var accepted: [String] = []
                for number in 0..<400 {
                    if case .success = try await probe.publish(low, "\(number)") { accepted.append("\(number)") }
                    try await Task.sleep(for: .milliseconds(2))
                }
                try await moved
                try await eventually("publications are taken again") {
                    guard case .success = try await probe.publish(low, "end") else { return false }
                    return true
                }
                let expected = accepted + ["end"]
                for receiver in 0..<2 {
                    try await eventually("all arrive: \(probe.texts(receiver).count) of \(expected.count)") {
                        probe.texts(receiver).last == "end"
                    }
                    #expect(probe.texts(receiver) == expected)
                }
                #expect(probe.answers() == 1)
                #expect(!probe.events().contains { if case .insufficient = $0 { true } else { false } })
                #expect(accepted.count > 300, "a move of 40 slots is short")
            }
        }
    }

    @Test("a master hands over and lives on as a replica: nothing comes twice")
    func handover() async throws {
        try await withCluster { cluster in
            try await withProbe(try .redis(cluster.url)) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                let old = try await cluster.owner(of: "a")
                let replicas = try await cluster.servers[0].command("CLUSTER", "REPLICAS", try await cluster.id(old))
                let replica = try #require(cluster.servers.first { replicas.contains(":\($0.port)@") })
                #expect(try await replica.command("CLUSTER", "FAILOVER") == "OK")
                try await eventually(within: .seconds(60), "the replica owns the channel") {
                    try await cluster.owner(of: "a").port == replica.port
                }
                try await eventually(within: .seconds(60), "the new master has the subscription") {
                    try await replica.command("PUBSUB", "SHARDNUMSUB", "fanfare:{a}").contains("1")
                }
                for number in 0..<20 { try await replica.command("SPUBLISH", "fanfare:{a}", "\(number)") }
                try await eventually("the last arrives") { probe.texts().last == "19" }
                #expect(Set(probe.texts()).count == probe.texts().count)
                try await probe.isUp()
            }
        }
    }
}
