import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

@Suite("Redis broker")
struct RedisBrokerTests {
    @Test("a backend's plain PUBLISH reaches subscribers")
    func plainPublish() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url)) { probe in
                try await probe.isUp()
                try await probe.subscribe("chat")
                #expect(try await redis.command("PUBLISH", "fanfare:chat", "hello") == "1")
                try await eventually("it arrives") { probe.texts() == ["hello"] }
            }
        }
    }

    @Test("two nodes see one order, and Redis is only subscribed to what somebody wants")
    func twoNodes() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url)) { first in
                try await withProbe(try .redis(redis.url)) { second in
                    try await first.isUp()
                    try await second.isUp()
                    try await first.subscribe("a")
                    try await second.subscribe("a")
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (name, probe) in [("x", first), ("y", second)] {
                            group.addTask {
                                for number in 0..<1_000 {
                                    let publication = Publication(
                                        channel: try ChannelName("a"), payload: Payload(text: "\(name)\(number)"))
                                    probe.broker.publish(publication) { _ in }
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    try await eventually("all arrive") { first.texts().count == 2_000 && second.texts().count == 2_000 }
                    #expect(first.texts() == second.texts())
                    for name in ["x", "y"] {
                        #expect(first.texts().filter { $0.hasPrefix(name) } == (0..<1_000).map { "\(name)\($0)" })
                    }
                    #expect(try await redis.command("PUBSUB", "NUMSUB", "fanfare:a").contains("2"))
                    first.broker.unsubscribe(try ChannelName("a"), receiver: 0)
                    second.broker.unsubscribe(try ChannelName("a"), receiver: 0)
                    try await eventually("Redis is unsubscribed") {
                        try await redis.command("PUBSUB", "CHANNELS", "fanfare:a") == ""
                    }
                }
            }
        }
    }

    @Test("a thousand channels are subscribed in a handful of commands")
    func batching() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url)) { probe in
                try await probe.isUp()
                var last: UInt64 = 0
                for number in 0..<1_000 { last = try probe.ask("c\(number)") }
                let wanted = last
                try await eventually("the last is subscribed") {
                    probe.events().contains { if case .subscribed(_, wanted, _) = $0 { true } else { false } }
                }
                let calls = try await redis.command("INFO", "commandstats").split(whereSeparator: \.isNewline)
                    .first { $0.hasPrefix("cmdstat_subscribe:") }
                let count = calls?.firstMatch(of: /calls=(\d+)/).flatMap { Int($0.1) } ?? 0
                #expect(count > 0 && count < 100, "\(count) commands")
            }
        }
    }

    @Test("Redis away at start: refused at once, and all is well when it comes")
    func awayAtStart() async throws {
        try await withRedis { redis in
            await redis.kill()
            try await withProbe(try .redis(redis.url)) { probe in
                try await eventually("the problem is told") {
                    probe.broker.status.problem?.contains("cannot connect") == true
                }
                guard case .failure(.unavailable) = try await probe.publish("a", "x") else {
                    Issue.record("was not refused")
                    return
                }
                try await redis.restart()
                try await probe.isUp()
                try await probe.subscribe("a")
                try await probe.publish("a", "1")
                try await eventually("it flows") { probe.texts() == ["1"] }
            }
        }
    }

    @Test("Redis killed and restarted: all channels are back without a wish")
    func restart() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url)) { probe in
                try await probe.isUp()
                for number in 0..<600 { _ = try probe.ask("c\(number)") }
                try await probe.subscribe("last")
                await redis.kill()
                try await probe.isDown()
                try await redis.restart()
                try await probe.isUp()
                #expect(try await redis.command("PUBLISH", "fanfare:c599", "back") == "1")
                try await eventually("it arrives") { probe.texts() == ["back"] }
                #expect(probe.metrics.counters.value(.reconnects) >= 2)
            }
        }
    }

    @Test("Redis frozen: found by probes, publishes fail in time, and it heals")
    func frozen() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url) { $0.hurry() }) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                redis.freeze()
                let result = try await probe.publish("a", "lost?")
                guard case .failure = result else {
                    Issue.record("a frozen Redis confirmed")
                    return
                }
                try await probe.isDown()
                redis.thaw()
                try await eventually("it flows") {
                    try await probe.publish("a", "after")
                    return probe.texts().contains("after")
                }
            }
        }
    }

    @Test("a link that Redis kicks is made anew", arguments: ["pubsub", "normal"])
    func kicked(type: String) async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url)) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                try await redis.command("CLIENT", "KILL", "TYPE", type)
                try await eventually("a link came back") { probe.metrics.counters.value(.reconnects) >= 1 }
                try await probe.isUp()
                // Another link of the same kind may not know yet that it is gone.
                try await eventually("it is taken") {
                    guard case .success = try await probe.publish("a", "after") else { return false }
                    return true
                }
                try await eventually("it flows") { probe.texts() == ["after"] }
            }
        }
    }

    @Test("a link that is open and silent is found by the probe and made anew")
    func silent() async throws {
        try await withRedis { redis in
            let relay = try await SilentRelay.start(to: redis.port)
            let often: (inout RedisConfiguration) -> Void = { $0.probeInterval = .milliseconds(200) }
            try await withProbe(try .redis("redis://127.0.0.1:\(relay.port)", change: often)) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                relay.mute()
                try await eventually("links are made anew") { probe.metrics.counters.value(.reconnects) >= 2 }
                try await probe.isUp()
                #expect(probe.metrics.counters.value(.probesLost) >= 1)
                // With probes as often as these a link may be made anew at any time.
                try await eventually("it flows") {
                    try await redis.command("PUBLISH", "fanfare:a", "after")
                    return probe.texts().contains("after")
                }
            }
            await relay.stop()
        }
    }

    @Test("password, user and database are used, a wrong password is told without the password")
    func passwords() async throws {
        try await withRedis(.init(arguments: ["--requirepass", "hunter2"])) { redis in
            try await withProbe(try .redis("redis://:hunter2@127.0.0.1:\(redis.port)/2")) { try await $0.isUp() }
            try await withProbe(try .redis("redis://default:hunter2@127.0.0.1:\(redis.port)")) { try await $0.isUp() }
            for login in [":wrong1@", ""] {
                try await withProbe(try .redis("redis://\(login)127.0.0.1:\(redis.port)")) { probe in
                    try await eventually("the refusal is told") {
                        probe.broker.status.problem?.contains("refused") == true
                    }
                    #expect(probe.broker.status.problem?.contains("wrong1") == false)
                }
            }
        }
    }

    @Test("rediss:// with the right authority works, with the wrong one it does not")
    func tls() async throws {
        try await withRedis(.init(tls: true)) { redis in
            let ca = redis.caFile
            try await withProbe(try .redis(redis.url) { $0.caFile = ca }) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                try await probe.publish("a", "secret")
                try await eventually("it flows") { probe.texts() == ["secret"] }
            }
            try await withProbe(try .redis(redis.url)) { probe in
                try await eventually("the certificate is refused") {
                    probe.broker.status.problem?.lowercased().contains("certificate") == true
                }
            }
        }
    }

    @Test("what a connection over TLS says after it was dropped is not heard: the new link stays")
    func lateOverTLS() async throws {
        try await withRedis(.init(tls: true)) { redis in
            let relay = try await SilentRelay.start(to: redis.port)
            let ca = redis.caFile
            try await withProbe(
                try .redis("rediss://127.0.0.1:\(relay.port)") {
                    $0.caFile = ca
                    // Not oftener: a machine that stands still for a moment would have links made anew once more.
                    $0.probeInterval = .seconds(5)
                }
            ) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                // The peer's end of TLS never comes: NIOSSL waits for it, and only then the connection is lost.
                relay.mute()
                try await eventually("links are made anew") { probe.metrics.counters.value(.reconnects) == 2 }
                try await probe.isUp()
                try await eventually(within: .seconds(30), "the old connections have ended") {
                    relay.endedWhileMute >= 2
                }
                let answered = probe.metrics.counters.value(.probesAnswered)
                try await eventually("probes went round since") {
                    probe.metrics.counters.value(.probesAnswered) >= answered + 2
                }
                for number in 0..<20 { try await probe.publish("a", "\(number)") }
                try await eventually("all arrive") { probe.texts().count >= 20 }
                #expect(probe.texts() == (0..<20).map { "\($0)" })
                #expect(probe.metrics.counters.value(.reconnects) == 2)
            }
            await relay.stop()
        }
    }

    @Test("databases of one Redis do not hear each other, and a backend names the database")
    func databases() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url)) { zero in
                try await withProbe(try .redis(redis.url + "/3")) { three in
                    try await zero.isUp()
                    try await three.isUp()
                    try await zero.subscribe("a")
                    try await three.subscribe("a")
                    try await zero.publish("a", "0")
                    try await three.publish("a", "3")
                    #expect(try await redis.command("PUBLISH", "fanfare:a", "backend 0") == "1")
                    #expect(try await redis.command("PUBLISH", "fanfare/3:a", "backend 3") == "1")
                    try await eventually("each arrives at home") {
                        zero.texts() == ["0", "backend 0"] && three.texts() == ["3", "backend 3"]
                    }
                }
            }
        }
    }

    @Test("leaving a channel under traffic drops nothing")
    func leaving() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url)) { probe in
                try await probe.isUp()
                let channel = try ChannelName("a")
                for round in 0..<20 {
                    try await probe.subscribe("a")
                    for number in 0..<50 {
                        let publication = Publication(channel: channel, payload: Payload(text: "\(round) \(number)"))
                        probe.broker.publish(publication) { _ in }
                    }
                    probe.broker.unsubscribe(channel, receiver: 0)
                }
                try await eventually("all are published") { probe.metrics.counters.value(.published) == 1_000 }
                try await probe.subscribe("b")
                #expect(probe.metrics.counters.value(.dropped) == 0)
            }
        }
    }

    @Test("a Unix socket works")
    func unixSocket() async throws {
        try await withRedis(.init(unixSocket: true)) { redis in
            try await withProbe(try .redis("unix://\(redis.socketPath)")) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                try await probe.publish("a", "local")
                try await eventually("it flows") { probe.texts() == ["local"] }
            }
        }
    }

    @Test("two prefixes on one Redis do not hear each other")
    func prefixes() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url) { $0.prefix = "one:" }) { one in
                try await withProbe(try .redis(redis.url) { $0.prefix = "two:" }) { two in
                    try await one.isUp()
                    try await two.isUp()
                    try await one.subscribe("a")
                    try await two.subscribe("a")
                    try await one.publish("a", "1")
                    try await two.publish("a", "2")
                    try await eventually("each arrives at home") { one.texts() == ["1"] && two.texts() == ["2"] }
                }
            }
        }
    }

    @Test("a publication above the limit is dropped and counted")
    func tooBig() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url) { $0.maxPayloadBytes = 100 }) { probe in
                try await probe.isUp()
                try await probe.subscribe("a")
                try await redis.command("PUBLISH", "fanfare:a", String(repeating: "x", count: 200))
                try await redis.command("PUBLISH", "fanfare:a", "small")
                try await eventually("the small one arrives") { probe.texts() == ["small"] }
                #expect(probe.metrics.counters.value(.dropped) == 1)
            }
        }
    }
}
