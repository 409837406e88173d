import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

@Suite("Sharded broker")
struct ShardedBrokerTests {
    @Test("a channel lives on the instance that everyone computes, and counters add up")
    func places() async throws {
        try await withRedisInstances(3) { instances in
            try await withProbe(try .redis(instances.map(\.url).joined(separator: " "))) { probe in
                try await probe.isUp()
                for number in 0..<30 { try await probe.subscribe("c\(number)") }
                var expected: Set<String> = []
                for number in 0..<30 {
                    let index = ChannelShard.index(of: try ChannelName("c\(number)"), among: 3)
                    #expect(try await instances[index].command("PUBLISH", "fanfare:c\(number)", "\(number)") == "1")
                    expected.insert("\(number)")
                }
                let wanted = expected
                try await eventually("all arrive") { Set(probe.texts()) == wanted }
                #expect(probe.texts().count == 30)
                #expect(probe.metrics.counters.value(.channels) == 30)
                #expect(probe.metrics.counters.value(.received) == 30)
            }
        }
    }

    @Test("one instance away: not up and named, the others' channels flow, and it heals")
    func oneAway() async throws {
        try await withRedisInstances(3) { instances in
            try await withProbe(try .redis(instances.map(\.url).joined(separator: " "))) { probe in
                try await probe.isUp()
                let names = try (0..<3).map { index in
                    try #require(
                        (0..<100).map { "c\($0)" }.first { name in
                            (try? ChannelName(name)).map { ChannelShard.index(of: $0, among: 3) } == index
                        })
                }
                for name in names { try await probe.subscribe(name) }
                await instances[1].kill()
                try await eventually("the instance is named: \(probe.broker.status)") {
                    probe.broker.status.problem?.hasPrefix("shard 2 of 3 (\(instances[1].url)): redis ") == true
                }
                guard case .failure = try await probe.publish(names[1], "lost") else {
                    Issue.record("a dead instance confirmed")
                    return
                }
                try await probe.publish(names[0], "0")
                try await probe.publish(names[2], "2")
                try await eventually("the others flow") { Set(probe.texts()) == ["0", "2"] }
                try await instances[1].restart()
                try await probe.isUp()
                try await probe.publish(names[1], "1")
                try await eventually("it flows again") { probe.texts().contains("1") }
            }
        }
    }
}

/// Runs `body` with several Redis that know nothing of each other.
func withRedisInstances(_ count: Int, _ body: ([RedisServer]) async throws -> Void) async throws {
    var instances: [RedisServer] = []
    for _ in 0..<count { instances.append(try await RedisServer.start()) }
    do {
        try await body(instances)
    } catch {
        for instance in instances { await instance.stop() }
        throw error
    }
    for instance in instances { await instance.stop() }
}
