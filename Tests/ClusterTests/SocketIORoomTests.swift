import FanfareTestKit
import Foundation
import Testing

/// What backends do with clients of Socket.IO, over the server API and as emitters.
@Suite("Cluster: rooms of Socket.IO")
struct SocketIORoomTests {
    private static let flags = [
        "--namespaces", "chat: history=50/10m recovery; room: subscribe=nobody; *: history=50/10m recovery",
        "--token-hmac-secret", TestTokens.secret, "--socketio-emitters", "python",
    ]

    private func withNodes(
        _ flags: [String] = Self.flags, _ body: (RedisServer, Node, Node) async throws -> Void
    ) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: flags) { one in
                try await withNode("two", redis: redis.url, flags: flags) { two in
                    for node in [one, two] {
                        try await eventually("\(node.name) sees all, is sure of it, and hears emitters") {
                            guard try await node.metric("fanfare_nodes") == 2,
                                try await node.metric("fanfare_emitter_links") == 1
                            else { return false }
                            return try await post(node, "disconnect", #""user":"nobody""#).status == 200
                        }
                    }
                    try await body(redis, one, two)
                }
            }
        }
    }

    private func post(_ node: Node, _ method: String, _ fields: String) async throws -> HTTPAnswer {
        try await HTTP.post(node.adminPort, "/api/\(method)", "{\(fields)}")
    }

    private func emit(_ redis: RedisServer, _ fields: String) async throws {
        let message = #"{"method":"emit","namespace":"/","binary":false,"host_id":"h",\#(fields)}"#
        _ = try await redis.command("PUBLISH", "socketio", message)
    }

    /// A client of a user in `/`; its answer, and its first offset.
    private func join(_ node: Node, _ user: String, _ more: String = "") async throws -> (
        SocketIOClient, String, String
    ) {
        let token = try await TestTokens.make("{\"sub\":\"\(user)\"}")
        let (client, answer) = try await SocketIOClient.join(node.port, "0{\"token\":\"\(token)\"\(more)}")
        return (client, answer, try await client.packet())
    }

    @Test("the server API joins a user's clients to a room on all nodes, and takes them out")
    func api() async throws {
        try await withNodes { _, one, two in
            let (first, _, _) = try await join(one, "42")
            let (second, _, _) = try await join(two, "42")
            #expect(try await first.ask("20[\"subscribe\",\"room:1\"]").contains("\"code\":103"))
            let subscribed = try await post(one, "subscribe", #""user":"42","channel":"room:1""#)
            #expect(subscribed.body == #"{"result":{"num_clients":2,"num_nodes":2}}"#, "\(subscribed.body)")
            _ = try await one.publish("room:1", #"{"event":"news","args":[1]}"#)
            for client in [first, second] {
                // Where it is, which has not changed: it could not come back to the room.
                #expect(try await client.packet().contains("fanfare:offset"))
                #expect(try await client.packet() == "2[\"news\",1]")
            }
            let left = try await post(two, "unsubscribe", #""user":"42","channel":"room:1""#)
            #expect(left.body == #"{"result":{"num_clients":2,"num_nodes":2}}"#)
            _ = try await one.publish("room:1", "2")
            _ = try await one.publish("$socket.io", "3")
            for client in [first, second] {
                #expect(try await client.packet().contains("fanfare:offset"))
                #expect(try await client.packet().hasPrefix("2[\"message\",3,\""))
            }
            let refreshed = try await post(one, "refresh", #""user":"42","expire_at":4000000000"#)
            #expect(refreshed.body == #"{"result":{"num_clients":2,"num_nodes":2}}"#)
            let ended = try await post(one, "refresh", #""user":"42","expired":true"#)
            #expect(ended.body == #"{"result":{"num_clients":2,"num_nodes":2}}"#)
            for client in [first, second] { #expect(try await client.next() == "end") }
        }
    }

    @Test("a client that was away gets what emitters sent to it, to all and to rooms, once, and nothing else")
    func recovery() async throws {
        try await withNodes { redis, one, two in
            let (first, answer, _) = try await join(one, "42")
            let (sid, pid) = (try #require(answer.member("sid")), try #require(answer.member("pid")))
            for room in ["a", "b"] {
                try await first.send("20[\"subscribe\",\"\(room)\"]")
                _ = try await first.packets(2)
            }
            try await emit(redis, #""event":"e","data":[0],"room":["a","b"]"#)
            let event = try await first.packet()
            let offset = String(event.dropFirst("2[\"e\",0,\"".count).dropLast(2))
            #expect(event.hasPrefix("2[\"e\",0,\""), "\(event)")
            await first.close()
            try await emit(redis, #""event":"e","data":[1]"#)
            try await emit(redis, #""event":"e","data":[2],"room":["b","a"]"#)
            try await emit(redis, #""event":"e","data":[3],"room":"a","skip_sid":"\#(sid)""#)
            try await emit(redis, #""event":"e","data":[4],"room":"\#(sid)""#)
            try await eventually("all are published") {
                let name = "fanfare_emitter_messages_total{outcome=\"event\"}"
                let (one, two) = (try await one.metric(name), try await two.metric(name))
                // Two of them in two rooms, and the first.
                return one + two == 7
            }
            let (again, back, missed) = try await join(two, "42", ",\"pid\":\"\(pid)\",\"offset\":\"\(offset)\"")
            #expect(back.member("sid") == sid)
            try await emit(redis, #""event":"e","data":[5]"#)
            // What was missed follows the answer at once.
            var heard = missed.hasPrefix("2[\"e\"") ? [missed] : []
            while heard.last?.hasPrefix("2[\"e\",5") != true {
                let packet = try await again.packet()
                if packet.hasPrefix("2[\"e\"") { heard.append(packet) }
            }
            #expect(
                Set(heard.map { String($0.prefix(8)) }) == ["2[\"e\",1,", "2[\"e\",2,", "2[\"e\",4,", "2[\"e\",5,"])
            #expect(heard.count == 4, "\(heard)")
            await again.close()
        }
    }

    @Test("a client that can't come back is another socket, in its own room and that of all")
    func anew() async throws {
        try await withNodes { redis, one, _ in
            let (first, answer, _) = try await join(one, "42")
            let (sid, pid) = (try #require(answer.member("sid")), try #require(answer.member("pid")))
            await first.close()
            for _ in 0..<3 {
                let place = "1.lost/$\(sid),1.lost/chat:a,/b"
                let (again, back, _) = try await join(one, "42", ",\"pid\":\"\(pid)\",\"offset\":\"\(place)\"")
                let other = try #require(back.member("sid"))
                #expect(other != sid && other.hasPrefix("~") && other.count == 20)
                try await emit(redis, #""event":"own","data":[],"room":"\#(other)""#)
                try await emit(redis, #""event":"all","data":[]"#)
                #expect(try await again.packet().hasPrefix("2[\"own\",\""))
                #expect(try await again.packet().hasPrefix("2[\"all\",\""))
                await again.close()
            }
        }
    }
}
