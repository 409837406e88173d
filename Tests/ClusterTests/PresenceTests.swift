import FanfareTestKit
import Foundation
import Testing

/// Who is in a channel, with three real nodes on a real Redis.
@Suite("Presence in a cluster")
struct PresenceTests {
    private static let flags = ["--namespaces", "room: presence join-leave; mute: presence"]
    /// Short enough to wait for, long enough for a node that has to wait for its turn on a busy machine.
    private static let mortal = flags + ["--presence-ttl", "12s"]

    private func withNodes(
        _ count: Int, flags: [String] = flags, _ body: (RedisServer, [Node]) async throws -> Void
    ) async throws {
        try await withRedis { redis in
            var nodes: [Node] = []
            do {
                for index in 0..<count {
                    nodes.append(try await Node.start("n\(index)", redis: redis.url, flags: flags))
                }
                try await body(redis, nodes)
            } catch {
                for node in nodes { await node.stop() }
                throw error
            }
            for node in nodes { await node.stop() }
        }
    }

    @Test("from every node the same members are seen, and each coming and going is heard once")
    func everywhere() async throws {
        try await withNodes(3) { _, nodes in
            let watcher = try await PresenceWatcher.start(nodes[0], "room:1")
            var clients: [CentrifugeClient] = []
            for index in 0..<9 {
                let client = try await nodes[index % 3].centrifuge()
                try await client.subscribe("room:1")
                clients.append(client)
                let own = try await client.command(#""presence":{"channel":"room:1"}"#)
                #expect(own.members?.contains(client.clientID) == true, "a client that asks finds itself: \(own.text)")
            }
            let raw = try await nodes[1].raw("room:1")
            let expected = Set(clients.map(\.clientID)).union([watcher.client.clientID])
            for node in nodes {
                try await eventually("all are there, the raw client too") {
                    let members = try await node.members("room:1")
                    return members.isSuperset(of: expected) && members.count == 11
                }
            }
            let stats = try await clients[4].command(#""presence_stats":{"channel":"room:1"}"#)
            #expect(stats.result("presence_stats", "num_clients") == "11", "\(stats.text)")
            #expect(stats.result("presence_stats", "num_users") == "1")
            try await clients[3].unsubscribe("room:1")
            await clients[4].close()
            await raw.close()
            try await eventually("three have left: \(watcher.events)") {
                watcher.events.filter { $0.hasPrefix("-") }.count == 3
            }
            let left = expected.subtracting([clients[3].clientID, clients[4].clientID])
            for node in nodes {
                let members = try await node.members("room:1")
                #expect(members == left)
            }
            #expect(watcher.events.filter { $0.hasPrefix("+") }.count == 11)
            #expect(Set(watcher.events).count == 14)
            await watcher.stop()
        }
    }

    @Test("who may not ask is refused, and raw clients hear of nobody")
    func refusals() async throws {
        try await withNodes(1) { _, nodes in
            let raw = try await nodes[0].raw("room:1")
            let client = try await nodes[0].centrifuge()
            for command in ["presence", "presence_stats"] {
                let none = try await client.command("\"\(command)\":{\"channel\":\"plain\"}")
                #expect(none.errorCode == 108)
                let stranger = try await client.command("\"\(command)\":{\"channel\":\"room:1\"}")
                #expect(stranger.errorCode == 103)
                let answer = try await HTTP.post(nodes[0].adminPort, "/api/\(command)", #"{"channel":"plain"}"#)
                #expect(answer.status == 400 && answer.body.contains("108"), "\(answer.body)")
            }
            try await client.subscribe("room:1")
            try await client.subscribe("mute:1")
            try await eventually("both are there") { try await nodes[0].members("room:1").count == 2 }
            try await eventually("one is there") { try await nodes[0].members("mute:1") == [client.clientID] }
            try await nodes[0].publish("room:1", "\"end\"")
            let first = try await raw.nextText()
            #expect(first == "\"end\"")
        }
    }

    @Test("the members of a killed node are gone after their time, with one leave each, and the others stay")
    func kill() async throws {
        try await withNodes(3, flags: Self.mortal) { _, nodes in
            let watchers = [
                try await PresenceWatcher.start(nodes[0], "room:1"),
                try await PresenceWatcher.start(nodes[1], "room:1"),
            ]
            var doomed: Set<String> = []
            for _ in 0..<20 {
                let client = try await nodes[2].centrifuge()
                try await client.subscribe("room:1")
                doomed.insert(client.clientID)
            }
            let living = Set(watchers.map(\.client.clientID))
            try await eventually("all are there") { try await nodes[0].members("room:1") == living.union(doomed) }
            await nodes[2].kill()
            for watcher in watchers {
                try await eventually("their leaves are heard: \(watcher.events)") {
                    Set(watcher.events.filter { $0.hasPrefix("-") }) == Set(doomed.map { "-" + $0 })
                }
            }
            for node in nodes[0...1] {
                let members = try await node.members("room:1")
                #expect(members == living)
            }
            // Two more times to live: the living are refreshed, and nobody leaves twice.
            let calls = try await nodes[0].metric("fanfare_presence_calls_total")
            try await eventually("rounds of refreshes pass") {
                try await nodes[0].metric("fanfare_presence_calls_total") >= calls + 6
            }
            for watcher in watchers {
                #expect(watcher.events.filter { $0.hasPrefix("-") }.count == doomed.count)
                await watcher.stop()
            }
        }
    }

    @Test("a Redis that comes back empty has all members again within seconds, and nobody hears of it")
    func emptyRedis() async throws {
        try await withRedis { redis in
            let flags = ["--namespaces", "room: presence join-leave", "--presence-ttl", "5m"]
            try await withNode("a", redis: redis.url, flags: flags) { one in
                try await withNode("b", redis: redis.url, flags: flags) { other in
                    let watcher = try await PresenceWatcher.start(one, "room:1")
                    let client = try await other.centrifuge()
                    try await client.subscribe("room:1")
                    let both: Set = [watcher.client.clientID, client.clientID]
                    try await eventually("both are there") { try await one.members("room:1") == both }
                    await redis.kill()
                    try await redis.restart()
                    // The usual refresh would come two minutes later.
                    try await eventually("both are there again") {
                        (try? await other.members("room:1")) == both
                    }
                    // Whose links are not back does not hear who leaves.
                    for node in [one, other] { try await eventually("\(node.name) is ready") { await node.isReady() } }
                    await client.close()
                    try await eventually("one left") { watcher.events.contains("-" + client.clientID) }
                    let expected = ["+" + watcher.client.clientID, "+" + client.clientID, "-" + client.clientID]
                    #expect(watcher.events == expected)
                    await watcher.stop()
                }
            }
        }
    }

    @Test("a node that drains takes its members along at once")
    func drain() async throws {
        try await withNodes(2) { _, nodes in
            let watcher = try await PresenceWatcher.start(nodes[0], "room:1")
            for _ in 0..<20 { try await nodes[1].centrifuge().subscribe("room:1") }
            try await eventually("all are there") { try await nodes[0].members("room:1").count == 21 }
            nodes[1].terminate()
            try await nodes[1].waitForExit()
            let members = try await nodes[0].members("room:1")
            #expect(members == [watcher.client.clientID])
            try await eventually("all leaves are heard") { watcher.events.filter { $0.hasPrefix("-") }.count == 20 }
            await watcher.stop()
        }
    }

    @Test("after any sequence of node deaths presence is right and the events add up to it", arguments: [UInt64(7)])
    func deaths(seed: UInt64) async throws {
        try await withRedis { redis in
            let run = PresenceRun(redis: redis.url, flags: Self.mortal, seed: seed)
            do {
                try await run.start()
                for step in 0..<12 { try await run.step(step) }
                try await run.check()
            } catch {
                await run.stop()
                throw error
            }
            await run.stop()
        }
    }
}
