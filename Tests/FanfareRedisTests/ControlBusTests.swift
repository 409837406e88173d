import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

@Suite("Control bus")
struct ControlBusTests {
    private static let echo = ControlCommand(rawValue: 1_000)
    private static let silence = ControlCommand(rawValue: 1_001)
    private static let handlers: [ControlCommand: ControlBus.Handler] = [
        echo: { request, answer in answer(ControlAnswer(fields: request.fields, body: request.body)) },
        silence: { _, _ in },
    ]

    /// Two nodes that see each other.
    private func withTwo(
        _ redis: RedisServer, change: (inout RedisConfiguration) -> Void = { _ in },
        _ body: (ControlProbe, ControlProbe) async throws -> Void
    ) async throws {
        try await withTwo(redis.url, change: change, body)
    }

    private func withTwo(
        _ url: String, change: (inout RedisConfiguration) -> Void = { _ in },
        _ body: (ControlProbe, ControlProbe) async throws -> Void
    ) async throws {
        let nodes = try ["a", "b"].map {
            try ControlProbe.redis($0, url, handlers: Self.handlers, change: change)
        }
        try await withNodes(nodes) {
            try await eventually("they see each other") { nodes.allSatisfy { $0.sees == ["a", "b"] } }
            try await body(nodes[0], nodes[1])
        }
    }

    private func check(_ first: ControlProbe, _ second: ControlProbe) async throws {
        for (from, to) in [(first, second), (second, first), (first, first)] {
            let answer = try await from.request(.ping, "hé", to: to.id).get()
            #expect(answer.body == ByteBuffer(string: "hé") && answer.node == to.id)
            let echo = try await from.request(Self.echo, "x", to: to.id).get()
            #expect(echo.body == ByteBuffer(string: "x"))
        }
    }

    @Test("two nodes over one Redis see each other and answer each other, and themselves")
    func two() async throws {
        try await withRedis { redis in
            try await withTwo(redis) { first, second in
                try await check(first, second)
                // What it said itself may still be on its way back.
                try await eventually("it has heard all") { first.bus.nodes.allSatisfy { $0.seenAt > 0 } }
                #expect(first.bus.nodes.allSatisfy { $0.version == "0" })
                #expect(first.metrics.value(.nodes) == 2 && first.metrics.value(.unreadable) == 0)
                // Nothing of this is a publication.
                let counters = first.probe.metrics.counters
                #expect(counters.value(.received) == 0 && counters.value(.published) == 0)
                #expect(counters.value(.channels) == 0 && counters.value(.dropped) == 0)
            }
        }
    }

    @Test("over several instances, in another database, and in a Redis Cluster")
    func topologies() async throws {
        try await withRedis { one in
            try await withRedis { other in
                try await withTwo("\(one.url)/3 \(other.url)/3") { try await check($0, $1) }
            }
        }
        let cluster = try await RedisClusterServers.start()
        let result = await Result {
            try await withTwo("redis+cluster://127.0.0.1:\(cluster.servers[0].port)") { try await check($0, $1) }
        }
        await cluster.stop()
        try result.get()
    }

    @Test("in memory a node talks to itself")
    func memory() async throws {
        let metrics = BrokerMetrics()
        let broker = MemoryBroker(formats: FormatTable(), metrics: metrics)
        let node = ControlProbe("a", broker, metrics: metrics, handlers: Self.handlers)
        try await withNodes([node]) {
            try await check(node, node)
            let all = await withCheckedContinuation { continuation in
                node.bus.survey(.ping) { result in continuation.resume(returning: result.map(\.answers.count)) }
            }
            #expect(all == .success(1) && metrics.counters.value(.published) == 0)
        }
    }

    @Test(
        "a node that does not answer is a timeout, one that does not know the command says so, one that is not there is refused"
    )
    func noAnswer() async throws {
        try await withRedis { redis in
            try await withTwo(redis) { first, second in
                let limit = Duration.seconds(4)
                #expect(await first.request(Self.silence, to: second.id, within: limit) == .failure(.timeout))
                #expect(first.metrics.value(.timeouts) == 1)
                let unknown = ControlCommand(rawValue: 55_555)
                #expect(await first.request(unknown, to: second.id) == .failure(.refused(.unknownCommand)))
                #expect(second.metrics.value(.unknownCommands) == 1)
                try await eventually("a node that is not there is none once the view is old enough") {
                    let answer = await first.request(.ping, to: .random())
                    #expect(answer == .failure(.notYetInView) || answer == .failure(.unknownNode))
                    return answer == .failure(.unknownNode)
                }
                let body = String(repeating: "x", count: ControlBounds.messageBytes)
                #expect(await first.request(.ping, body, to: second.id) == .failure(.tooLarge))
                first.bus.notify(unknown)
                try await eventually("all hear a notice, and only count it") {
                    first.metrics.value(.unknownCommands) == 1 && second.metrics.value(.unknownCommands) == 2
                }
                try await check(first, second)
            }
        }
    }

    @Test("a survey has the answers of all nodes, and the names of those that gave none")
    func survey() async throws {
        try await withRedis { redis in
            let nodes = try ["a", "b", "c"].map { name in
                try ControlProbe.redis(
                    name, redis.url, handlers: name == "c" ? [Self.echo: { _, _ in }] : Self.handlers)
            }
            try await withNodes(nodes) {
                try await eventually("they see each other") { nodes.allSatisfy { $0.sees.count == 3 } }
                // By a clock that runs four times as fast: minutes, and five seconds for those that answer.
                for (command, count, limit) in [(ControlCommand.ping, 3, 1_000), (Self.echo, 2, 20)] {
                    let result = await withCheckedContinuation { continuation in
                        nodes[0].bus.survey(command, within: .seconds(limit)) { continuation.resume(returning: $0) }
                    }
                    let (answers, missing) = try result.get()
                    #expect(answers.count == count && answers.allSatisfy { $0.status == .ok })
                    #expect(missing == (count == 3 ? [] : [nodes[2].id]))
                }
            }
        }
    }

    @Test("a node that leaves is gone at once, one that dies after some announcements; who waits for it is told")
    func goes() async throws {
        try await withRedis { redis in
            try await withTwo(redis) { first, second in
                let third = try ControlProbe.redis("c", redis.url)
                try await eventually("the third is seen") { first.sees == ["a", "b", "c"] && third.sees.count == 3 }
                async let waiting = first.request(Self.silence, to: second.id, within: .seconds(1_200))
                await third.kill()
                try await eventually("the third is gone") { first.sees == ["a", "b"] }
                second.bus.stop()
                #expect(await waiting == .failure(.gone))
                #expect(first.sees == ["a"] && first.metrics.value(.nodes) == 1)
            }
        }
    }

    @Test(
        "who waits for a node that was killed is told long before its announcements are missed, and who asks it then at once"
    )
    func deaf() async throws {
        try await withRedis { redis in
            // By this clock a node is missed after nine seconds.
            let nodes = try ["a", "b"].map {
                try ControlProbe.redis($0, redis.url, handlers: Self.handlers, clock: .system)
            }
            try await withNodes([nodes[0]]) {
                try await eventually("they see each other") { nodes.allSatisfy { $0.sees == ["a", "b"] } }
                async let waiting = nodes[0].request(Self.silence, to: nodes[1].id)
                #expect(try await nodes[0].request(.ping, to: nodes[1].id).get().node == nodes[1].id)
                await nodes[1].kill()
                try await eventually("nobody hears it") {
                    await nodes[0].request(.ping, to: nodes[1].id) == .failure(.deaf)
                }
                // On a busy machine it may have been asked behind the kill, too.
                let answer = await waiting
                #expect(answer == .failure(.timeout) || answer == .failure(.deaf))
            }
        }
    }

    @Test("while Redis is away requests fail and nobody is gone; when it is back all goes on")
    func restart() async throws {
        try await withRedis { redis in
            try await withTwo(redis) { first, second in
                await redis.kill()
                try await first.probe.isDown()
                #expect(await first.request(.ping, to: second.id) == .failure(.unavailable))
                // A node that says nothing for so long is missed elsewhere.
                try await Task.sleep(for: .seconds(5))
                #expect(first.sees == ["a", "b"] && second.sees == ["a", "b"])
                try await redis.restart()
                try await eventually("they answer again") {
                    guard case .success = await first.request(.ping, to: second.id, within: .seconds(10)) else {
                        return false
                    }
                    return true
                }
                try await check(first, second)
                #expect(first.sees == ["a", "b"] && second.sees == ["a", "b"])
            }
        }
    }

    @Test("what somebody else publishes there is dropped and counted, and what a newer node says is passed over")
    func junk() async throws {
        try await withRedis { redis in
            try await withTwo(redis) { first, second in
                let announce: [UInt8] = [0, 0x46, 0x43, 1, 3, 0, 2, 0, 0]
                let junk: [[UInt8]] = [
                    Array("hello".utf8), [], [0], [0, 0x46, 0x46, 1, 1, 0, 0, 0], [0, 0x46, 0x43, 1],
                    [0, 0x46, 0x43, 2],
                    [0, 0x46, 0x43, 1, 9] + [UInt8](repeating: 0, count: 30),
                    announce + [0, 0, 0, 9] + [UInt8](repeating: 0, count: 12),
                    announce + [UInt8](repeating: 255, count: 40),
                ]
                for bytes in junk {
                    for name in ["fanfare:*control", "fanfare:*node:\(first.id)"] {
                        try await redis.publish(name, bytes)
                    }
                }
                // An envelope of ours that is none, which the broker drops itself, is no message.
                try await eventually("they are counted") { first.metrics.value(.unreadable) == 2 * (junk.count - 1) }
                #expect(second.metrics.value(.unreadable) == junk.count - 1)
                #expect(first.sees == ["a", "b"])
                try await check(first, second)
                #expect(first.probe.broker.status.isUp && first.probe.metrics.counters.value(.reconnects) == 0)
            }
        }
    }

    @Test("two nodes with one id say so")
    func conflict() async throws {
        try await withRedis { redis in
            let id = NodeID.random()
            let nodes = try ["a", "b"].map { try ControlProbe.redis($0, redis.url, id: id) }
            try await withNodes(nodes) {
                try await eventually("both say so") { nodes.allSatisfy { $0.metrics.value(.conflicts) > 0 } }
            }
        }
    }

    @Test("a message is as long as the bus allows, also where publications are shorter")
    func long() async throws {
        try await withRedis { redis in
            try await withTwo(redis, change: { $0.maxPayloadBytes = 1_024 }) { first, second in
                let body = String(repeating: "x", count: 500_000)
                let answer = try await first.request(Self.echo, body, to: second.id).get()
                #expect(answer.body.readableBytes == 500_000)
            }
        }
    }
}
