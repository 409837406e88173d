import FanfareTestKit
import Foundation
import Testing

/// What a backend does with clients over the server API of any node, wherever they are.
@Suite("Cluster: commands for clients", .serialized)
struct ClientCommandTests {
    private static let flags = [
        "--token-hmac-secret", TestTokens.secret, "--namespaces", "kept: history=100/10m recovery presence",
        // Nobody reads, and so answers pings, while others are looked at.
        "--expired-grace", "0s", "--token-leeway", "0", "--ping-interval", "off",
    ]

    /// Three nodes that see each other.
    private func withNodes(_ body: (Cluster) async throws -> Void) async throws {
        try await withCluster(flags: Self.flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all, and is sure of it") {
                    guard try await node.metric("fanfare_nodes") == 3 else { return false }
                    return try await post(node, "disconnect", #""user":"nobody""#).status == 200
                }
            }
            try await body(cluster)
        }
    }

    private func session(_ node: Node, _ claims: String = #"{"sub":"42"}"#) async throws -> (CentrifugeClient, String) {
        let client = try await CentrifugeClient.open(node.port)
        let token = try await TestTokens.make(claims)
        let reply = try await client.command(#""connect":{"token":"\#(token)"}"#)
        return (client, try #require(reply.result("connect", "client"), "\(reply.text)"))
    }

    private func post(_ node: Node, _ method: String, _ fields: String) async throws -> HTTPAnswer {
        try await HTTP.post(node.adminPort, "/api/\(method)", "{\(fields)}")
    }

    private func result(_ clients: Int, _ nodes: Int) -> String {
        #"{"result":{"num_clients":\#(clients),"num_nodes":\#(nodes)}}"#
    }

    @Test("a user's clients on all nodes are subscribed, unsubscribed one by one, and ended but for those that stay")
    func life() async throws {
        try await withNodes { cluster in
            let (first, last) = (cluster.nodes[0], cluster.nodes[2])
            var (clients, ids) = ([CentrifugeClient](), [String]())
            for node in cluster.nodes {
                let (client, id) = try await session(node)
                clients.append(client)
                ids.append(id)
            }
            let (bob, _) = try await session(first, #"{"sub":"bob"}"#)
            let subscribed = try await post(
                first, "subscribe", #""user":"42","channel":"kept:a","data":{"hi":1},"info":[7]"#)
            #expect(subscribed.status == 200 && subscribed.body == result(3, 3), "\(subscribed.body)")
            for client in clients {
                let push = try await client.read().text
                #expect(
                    push.hasPrefix(#"{"push":{"channel":"kept:a","subscribe":{"positioned":true,"epoch":""#), "\(push)")
                #expect(push.hasSuffix(#""offset":0,"recoverable":true,"data":{"hi":1}}}}"#), "\(push)")
            }
            // It is in force when the answer has come.
            try await last.publish("kept:a", "1")
            for client in clients { #expect(try await client.nextPublication().data == "1") }
            let presence = try await HTTP.post(first.adminPort, "/api/presence", #"{"channel":"kept:a"}"#).body
            #expect(ids.allSatisfy { presence.contains($0) } && presence.contains(#""chan_info":[7]"#), "\(presence)")

            // By its id, through another node; with a user that is not its own it is nobody's.
            let foreign = try await post(
                first, "unsubscribe", #""user":"bob","client":"\#(ids[2])","channel":"kept:a""#)
            #expect(foreign.body == result(0, 1))
            let one = try await post(first, "unsubscribe", #""client":"\#(ids[2])","channel":"kept:a""#)
            #expect(one.body == result(1, 1))
            #expect(
                try await clients[2].read().text
                    == #"{"push":{"channel":"kept:a","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}"#)
            try await first.publish("kept:a", "2")
            for client in clients[..<2] { #expect(try await client.nextPublication().data == "2") }

            // It comes back by another command, with what it missed.
            let epoch = try #require(subscribed.status == 200 ? try await position(first).epoch : nil)
            let back = try await post(
                last, "subscribe",
                #""client":"\#(ids[2])","channel":"kept:a","recover_since":{"offset":1,"epoch":"\#(epoch)"}"#)
            #expect(back.body == result(1, 1))
            #expect(try await clients[2].read().text.contains(#""offset":1,"recoverable":true"#))
            #expect(try await clients[2].read().text == #"{"push":{"channel":"kept:a","pub":{"data":2,"offset":2}}}"#)

            // Of another stream nothing can be had: it is told, and the client begins with what comes.
            let lost = try await post(
                last, "subscribe", #""user":"bob","channel":"kept:a","recover_since":{"offset":1,"epoch":"other"}"#)
            #expect(lost.status == 400 && lost.body.contains(#""code":112"#), "\(lost.body)")
            #expect(lost.body.contains("done for 1 clients on 3 nodes, for 1 of them without"), "\(lost.body)")
            #expect(try await bob.read().text.contains(#""offset":2,"recoverable":true"#))

            let ended = try await post(
                cluster.nodes[1], "disconnect",
                #""user":"42","disconnect":{"code":4500,"reason":"banned"},"whitelist":["\#(ids[1])"]"#)
            #expect(ended.body == result(2, 3))
            for client in [clients[0], clients[2]] { #expect(try await client.socket.closeCode() == 4_500) }
            #expect(try await clients[1].command(#""ping":{}"#).errorCode == nil)
            #expect(try await bob.command(#""ping":{}"#).errorCode == nil)
            let rest = try await post(first, "disconnect", #""user":"42""#)
            #expect(rest.body == result(1, 3))
            #expect(try await clients[1].socket.closeCode() == 3_503)
            var done = 0.0
            for node in cluster.nodes {
                done += try await node.metric(#"fanfare_client_commands_total{command="disconnect"}"#)
            }
            #expect(done == 3)
            for client in clients + [bob] { await client.close() }
        }
    }

    private func position(_ node: Node) async throws -> (offset: Int, epoch: String) {
        let text = try await HTTP.post(node.adminPort, "/api/history", #"{"channel":"kept:a"}"#).body
        let match = try #require(text.firstMatch(of: /"epoch":"([a-z0-9]+)","offset":(\d+)/), "\(text)")
        return (Int(match.2) ?? 0, String(match.1))
    }

    @Test("an expiry is moved, and what has expired is ended; a subscription that a backend made may end by itself")
    func refresh() async throws {
        try await withNodes { cluster in
            let (node, other) = (cluster.nodes[0], cluster.nodes[1])
            let (client, id) = try await session(node, #"{"sub":"42","exp":\#(TestTokens.time(in: 600))}"#)
            let later = try await post(
                other, "refresh", #""client":"\#(id)","expire_at":\#(TestTokens.time(in: 6_000))"#)
            #expect(later.body == result(1, 1))
            let push = try await client.read().text
            #expect(push.contains(/^\{"push":\{"refresh":\{"expires":true,"ttl":(59\d\d|6000)\}\}\}$/), "\(push)")
            _ = try await post(other, "refresh", #""user":"42","info":{"n":1}"#)
            #expect(try await client.read().text == #"{"push":{"refresh":{}}}"#)
            let short = #""user":"42","channel":"kept:b","expire_at":\#(TestTokens.time(in: 6))"#
            #expect(try await post(other, "subscribe", short).body == result(1, 3))
            #expect(try await client.read().text.contains(#""subscribe":{"#))
            #expect(try await client.read().text.contains(#""unsubscribe":{"code":2501,"#))
            let soon = try await post(other, "refresh", #""user":"42","expire_at":\#(TestTokens.time(in: 6))"#)
            #expect(soon.body == result(1, 3))
            #expect(try await client.read().text.contains(#""refresh":{"expires":true"#))
            #expect(try await client.socket.closeCode() == 3_005)
            let (second, _) = try await session(other)
            #expect(try await post(node, "refresh", #""user":"42","expired":true"#).body == result(1, 3))
            #expect(try await second.socket.closeCode() == 3_005)
            for client in [client, second] { await client.close() }
        }
    }

    @Test(
        "clients on every transport are reached: streams that only hear, sessions of requests, and raw ones of the channel"
    )
    func transports() async throws {
        try await withNodes { cluster in
            let (node, other) = (cluster.nodes[0], cluster.nodes[1])
            let token = try await TestTokens.make(#"{"sub":"42"}"#)
            var streams: [EmulatedClient] = []
            for form in EmulatedClient.Form.allCases {
                streams.append(
                    try await EmulatedClient.open(node.port, form, first: #"{"token":"\#(token)"}"#, prefix: "uni_"))
                streams.append(try await EmulatedClient.connect(node.port, form, connect: #"{"token":"\#(token)"}"#))
            }
            for stream in streams where stream.session.isEmpty {
                #expect(try await stream.read().text.hasPrefix(#"{"connect":{"#))
            }
            let authorization = ["Authorization": "Bearer \(token)"]
            let socket = try await WebSocketClient.connect(node.port, "/channels/a/ws", headers: authorization)
            let lines = try await StreamClient.connect(
                node.port, "/channels/b/stream?channel=a", headers: authorization.merging(["Accept": "*/*"]) { $1 })
            let apart = try await WebSocketClient.connect(node.port, "/channels/c/ws", headers: authorization)

            #expect(try await post(other, "subscribe", #""user":"42","channel":"a""#).body == result(4, 3))
            try await other.publish("a", "[1]")
            for stream in streams {
                let isBare = stream.session.isEmpty
                let (before, after) = isBare ? ("", "") : (#"{"push":"#, "}")
                #expect(try await stream.read().text == before + #"{"channel":"a","subscribe":{}}"# + after)
                #expect(try await stream.read().text == before + #"{"channel":"a","pub":{"data":[1]}}"# + after)
            }
            #expect(try await socket.nextText() == "[1]")
            #expect(try await lines.nextLine() == #"{"channel":"a","data":[1]}"#)
            // Whoever is that subscription ends with it.
            #expect(try await post(other, "unsubscribe", #""user":"42","channel":"a""#).body == result(7, 3))
            for stream in streams { #expect(try await stream.read().text.contains(#""unsubscribe":{"code":2000"#)) }
            #expect(try await socket.closeCode() == 3_503)
            #expect(try await lines.nextLine()?.hasPrefix(#"{"disconnect":{"code":3503,"#) == true)

            let end = #""user":"42","disconnect":{"code":4321,"reason":"so"}"#
            #expect(try await post(other, "disconnect", end).body == result(5, 3))
            for stream in streams {
                #expect(try await stream.read().text.contains(#""disconnect":{"code":4321,"reason":"so"}"#))
                try await stream.stream.readToEnd()
            }
            #expect(try await apart.closeCode() == 4_321)
            for stream in streams { await stream.close() }
            await lines.close()
            for socket in [socket, apart] { await socket.close() }
        }
    }

    @Test("a backend unsubscribes a client while Redis is asked what it missed: the client is read on")
    func duringRecovery() async throws {
        try await withRedis { redis in
            // Nobody gives Redis up while it stands still.
            let flags = Self.flags + ["--redis-timeout", "60s", "--redis-probe-interval", "60s"]
            try await TestTokens.withNode(redis: redis.url, flags: flags) { node in
                try await eventually("the node is sure of its view") {
                    try await post(node, "disconnect", #""user":"nobody""#).status == 200
                }
                let (client, id) = try await session(node)
                let begun = try await client.subscribe("kept:a")
                let epoch = try #require(begun.result("subscribe", "epoch"), "\(begun.text)")
                _ = try await client.unsubscribe("kept:a")
                try await node.publish("kept:a", "1")
                try await eventually("it is out") { try await node.metric("fanfare_channels") == 0 }
                let back = #""subscribe":{"channel":"kept:a","recover":true,"epoch":"\#(epoch)","offset":0}"#
                // What Redis answers first is its own affair, and either must do.
                for round in 0..<5 {
                    redis.freeze()
                    try await client.socket.send(#"{"id":\#(90 + round),\#(back)}"#)
                    try await eventually("it waits for Redis") { try await node.metric("fanfare_channels") == 1 }
                    let sent = try await node.metric("fanfare_control_sent_total")
                    async let ended = post(node, "unsubscribe", #""client":"\#(id)","channel":"kept:a""#)
                    try await eventually("something is on its way to Redis") {
                        try await node.metric("fanfare_control_sent_total") > sent
                    }
                    redis.thaw()
                    let answer = try await ended
                    #expect(answer.body == result(1, 1))
                    try await eventually("it is out") { try await node.metric("fanfare_channels") == 0 }
                }
                // A read waits for the one before it.
                let again = try await client.command(back)
                #expect(again.text.contains(#""publications":[{"data":1,"#), "\(again.text)")
                await client.close()
            }
        }
    }

    @Test("a node that does not answer is named, one that is gone has no clients, and without Redis nothing is done")
    func failures() async throws {
        try await withNodes { cluster in
            let (node, frozen, killed) = (cluster.nodes[0], cluster.nodes[1], cluster.nodes[2])
            let (client, id) = try await session(killed)
            let (stays, _) = try await session(node)
            await killed.kill()
            frozen.signal(SIGSTOP)
            let answer = try await post(node, "subscribe", #""user":"42","channel":"a""#)
            #expect(answer.status == 503 && answer.body.contains(#""outcome":"unknown""#), "\(answer.body)")
            #expect(
                answer.body.contains("done for 1 clients on 1 nodes") && answer.body.contains("node-2"),
                "\(answer.body)")
            #expect(try await stays.read().text.contains(#""subscribe":{"#))
            frozen.signal(SIGCONT)
            try await eventually(within: .seconds(60), "the dead node is out of view") {
                let answer = try await post(node, "disconnect", #""client":"\#(id)""#)
                return answer.status == 200 && answer.body == result(0, 0)
            }
            await cluster.redis.stop()
            try await eventually("nothing is done") {
                let answer = try await post(node, "disconnect", #""user":"42""#)
                return answer.status == 503 && answer.body.contains(#""outcome":"not_done""#)
            }
            #expect(try await stays.command(#""ping":{}"#).errorCode == nil)
            for client in [client, stays] { await client.close() }
        }
    }
}
