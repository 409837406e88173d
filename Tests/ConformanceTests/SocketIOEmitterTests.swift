import FanfareTestKit
import Foundation
import Testing

/// Backends that publish with emitters of Socket.IO, as they are, into a cluster.
@Suite("Emitters of Socket.IO", .serialized)
struct SocketIOEmitterTests {
    private static let flags = ["--socketio-emitters", "redis,python"]

    /// - Parameter redis: its URL.
    private func withNodes(_ redis: String, _ body: ([Node]) async throws -> Void) async throws {
        let flags = Self.flags
        try await withNode("one", redis: redis, flags: flags) { one in
            try await withNode("two", redis: redis, flags: flags) { two in
                try await withNode("three", redis: redis, flags: flags) { three in
                    let nodes = [one, two, three]
                    try await listening(nodes)
                    try await body(nodes)
                }
            }
        }
    }

    private func listening(_ nodes: [Node]) async throws {
        for node in nodes {
            try await eventually("\(node.name) hears emitters and sees all") {
                let (nodes, links) = (
                    try await node.metric("fanfare_nodes"), try await node.metric("fanfare_emitter_links")
                )
                return nodes == 3 && links == 1
            }
        }
    }

    /// - Parameter redis: the URL for the emitters.
    private func check(_ redis: String, _ nodes: [Node]) async throws {
        let urls = nodes.map { "http://127.0.0.1:\($0.port)" }
        let log = try await run(
            "socketio_emitter_check.py", redis, urls[0], urls[1], urls[2], within: .seconds(240))
        #expect(log.contains("ok all of it"), "\(log)")
    }

    private func ready(_ nodes: [Node]) async throws {
        for node in nodes {
            try await eventually("\(node.name) is ready: \(node.log)") {
                try await node.metric("fanfare_redis_up") == 1
            }
        }
        try await listening(nodes)
    }

    @Test("emitters of PyPI: each socket on each node gets it once, in order; also after a restart of Redis")
    func emitters() async throws {
        try await withRedis { redis in
            try await withNodes(redis.url) { nodes in
                try await check(redis.url, nodes)
                try await redis.restart()
                try await ready(nodes)
                try await check(redis.url, nodes)
            }
        }
    }

    @Test("the same where sentinels name the master, and after they have named another", .timeLimit(.minutes(10)))
    func sentinels() async throws {
        try await withSentinels { group in
            try await withNodes("redis+sentinel://\(group.authority)") { nodes in
                let hosts = group.ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
                let redis = "redis+sentinel://\(hosts)/0/\(RedisSentinels.masterName)"
                try await check(redis, nodes)
                await group.master.kill()
                try await eventually("the replica is the master") {
                    try await Task.sleep(for: .milliseconds(200))
                    return try await group.replica.command("ROLE").hasPrefix("master")
                }
                try await ready(nodes)
                try await check(redis, nodes)
            }
        }
    }

    @Test(
        "the same over a Redis Cluster, whichever of its nodes a backend publishes to, and after the death of the one that the nodes were told of",
        .timeLimit(.minutes(10)))
    func cluster() async throws {
        try await withRedisCluster { cluster in
            let servers = cluster.servers
            try await withNodes("redis+cluster://127.0.0.1:\(servers[0].port)") { nodes in
                try await check(servers[1].url, nodes)
                await servers[0].kill()
                try await eventually("its replica has its slots") {
                    try await Task.sleep(for: .milliseconds(200))
                    let info = try await servers[1].command("CLUSTER", "INFO")
                    let known = try await servers[1].command("CLUSTER", "NODES")
                    return known.contains(",fail ") && info.contains("cluster_state:ok")
                        && info.contains("cluster_slots_ok:16384")
                }
                try await ready(nodes)
                // One that is a replica now, or has become a master.
                try await check(servers[5].url, nodes)
            }
        }
    }

    @Test("nodes that had to hear emitters at another node of a Redis Cluster go back to the first, and miss nothing")
    func home() async throws {
        try await withRedisCluster { cluster in
            let servers = cluster.servers
            try await withNodes("redis+cluster://127.0.0.1:\(servers[0].port)") { nodes in
                let client = try await SocketIOListener.open(nodes[0].port)
                await servers[0].kill()
                try await eventually("they hear elsewhere") { try await listeners(servers[1...]) == 3 }
                try await eventually("its replica has its slots") {
                    try await servers[1].command("CLUSTER", "INFO").contains("cluster_slots_ok:16384")
                }
                try await ready(nodes)
                try await servers[0].restart()
                var sent = 0
                try await eventually("they are back") {
                    try await emit(servers[2], "n", "\(sent)")
                    sent += 1
                    // Before, some hear at both.
                    let (here, elsewhere) = (
                        try await listeners(servers[..<1]), try await listeners(servers[1...])
                    )
                    return here == 3 && elsewhere == 0
                }
                try await emit(servers[2], "back", "")
                // While they are at different places one may come twice.
                var heard: [String] = []
                while heard.last != "42[\"back\"]" && heard.count <= 2 * sent + 3 {
                    heard.append(try await client.next())
                }
                let numbers = (0..<sent).map { "42[\"n\",\($0)]" }
                #expect(Set(heard.dropLast()) == Set(numbers) && heard.count <= sent + 3, "\(heard)")
                // From one server, for those of several may come in another order.
                for number in 0..<20 { try await emit(servers[3], "m", "\(number)") }
                for number in 0..<20 { #expect(try await client.next() == "42[\"m\",\(number)]") }
                await client.close()
            }
        }
    }

    /// How many links hear emitters of python-socketio at some servers.
    private func listeners(_ servers: ArraySlice<RedisServer>) async throws -> Int {
        var sum = 0
        for server in servers {
            let answer = try await server.command("PUBSUB", "NUMSUB", "socketio")
            sum += answer.split(separator: "\n").last.flatMap { Int($0) } ?? 0
        }
        return sum
    }

    /// Emits as python-socketio does, to all.
    private func emit(_ redis: RedisServer, _ event: String, _ data: String) async throws {
        let message = #"{"method":"emit","event":"\#(event)","data":[\#(data)],"binary":false,"host_id":"h"}"#
        _ = try await redis.command("PUBLISH", "socketio", message)
    }

    @Test("hostile messages are counted, and nothing else happens")
    func hostile() async throws {
        try await withRedis { redis in
            try await withNodes(redis.url) { nodes in
                let log = try await run("socketio_emitter_check.py", redis.url, "hostile", within: .seconds(240))
                let counts = log.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
                try #require(counts.count == 2, "\(log)")
                for node in nodes {
                    try await eventually("\(node.name) has refused all") {
                        let name = "fanfare_emitter_messages_total{outcome=\"refused\"}"
                        return try await node.metric(name) == counts[0] + counts[1]
                    }
                    #expect(try await node.metric("fanfare_emitter_messages_total{outcome=\"event\"}") == 0)
                    #expect(try await node.metric("fanfare_emitter_messages_total{outcome=\"request\"}") == 0)
                }
                try await check(redis.url, nodes)
            }
        }
    }

    @Test("a node that is killed while events come costs nobody one")
    func killed() async throws {
        try await withRedis { redis in
            try await withNodes(redis.url) { nodes in
                let client = try await SocketIOListener.open(nodes[2].port)
                // Twenty a command: each is a process of its own, and the client has to answer pings behind them.
                let script = """
                    for number = ARGV[1], ARGV[1] + 19 do
                        redis.call('PUBLISH', 'socketio', '{"method":"emit","event":"n","data":[' ..
                            string.format('%d', number) .. '],"binary":false,"host_id":"h"}')
                    end
                    return 1
                    """
                for number in stride(from: 0, to: 200, by: 20) {
                    if number == 100 { await nodes[0].kill() }
                    _ = try await redis.command("EVAL", script, "0", "\(number)")
                }
                // One that came twice would stand before the last.
                let last = #"{"method":"emit","event":"last","data":[],"binary":false,"host_id":"h"}"#
                _ = try await redis.command("PUBLISH", "socketio", last)
                for number in 0..<200 { #expect(try await client.next() == "42[\"n\",\(number)]") }
                #expect(try await client.next() == "42[\"last\"]")
                await client.close()
            }
        }
    }
}

/// A client of `/` that only listens.
private struct SocketIOListener {
    let socket: WebSocketClient

    static func open(_ port: Int) async throws -> SocketIOListener {
        let client = SocketIOListener(
            socket: try await WebSocketClient.connect(port, "/socket.io/?EIO=4&transport=websocket"))
        _ = try await client.next()
        try await client.socket.send("40")
        _ = try await client.next()
        return client
    }

    func next() async throws -> String {
        while let message = try await socket.next() {
            switch message {
            case .text("2"): try await socket.send("3")
            case .text(let text): return text
            default: continue
            }
        }
        return "end"
    }

    func close() async { await socket.close() }
}
