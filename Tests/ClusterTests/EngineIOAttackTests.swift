import FanfareTestKit
import Foundation
import Testing

/// Clients of Engine.IO that mean no good.
@Suite("Engine.IO: attacks", .serialized)
struct EngineIOAttackTests {
    @Test("a session id is worth nothing without its secret, on its node and on another")
    func guessed() async throws {
        try await withEchoes(2) { nodes, _ in
            let client = try await EngineIOClient.open(nodes[0].port)
            let digits = Array(client.sid)
            let changed = String(digits.dropLast()) + (digits.last == "0" ? "1" : "0")
            for sid in [changed, String(digits.prefix(36)), changed.uppercased(), String(repeating: "a", count: 500)] {
                for node in nodes {
                    let query = "/engine.io/?EIO=4&transport=polling&sid=\(sid)"
                    #expect(try await HTTP.get(node.port, query).body.contains("Session ID unknown"))
                    #expect(try await HTTP.post(node.port, query, "1").status == 400)
                    await #expect(throws: (any Error).self) {
                        let socket = try await WebSocketClient.connect(
                            node.port, "/engine.io/?EIO=4&transport=websocket&sid=\(sid)")
                        try await socket.send("2probe")
                        _ = try await socket.nextText()
                    }
                }
            }
            try await client.post(nodes[0].port, "4mine")
            #expect(try await client.poll(nodes[0].port) == ["4mine"])
        }
    }

    @Test("a payload of 100,000 packets is begun in turns; packets without a message in such numbers end the session")
    func manyPackets() async throws {
        let flags = ["--max-message-bytes", "1000000", "--max-queue-bytes", "4000000", "--handshake-timeout", "120s"]
        try await withEcho(flags) { node in
            let client = try await EngineIOClient.open(node.port)
            let body = Array(repeating: "4x", count: 100_000).joined(separator: EngineIOClient.separator)
            #expect(try await client.post(node.port, body).body == "ok")
            var count = 0
            while count < 100_000 {
                let packets = try await client.poll(node.port)
                #expect(packets.allSatisfy { $0 == "4x" })
                count += packets.count
            }
            #expect(count == 100_000)
            let pongs = Array(repeating: "3", count: 100_000).joined(separator: EngineIOClient.separator)
            try await client.post(node.port, pongs)
            try await eventually("it has ended") { try await client.answer(node.port).status == 400 }
            #expect(try await node.metric(#"fanfare_disconnects_total{code="1008"}"#) == 1)
        }
    }

    @Test("a POST beside one that is not begun ends the session: what waits for a client is one body")
    func floods() async throws {
        try await withEcho { node in
            let client = try await EngineIOClient.open(node.port)
            let body = "4" + String(repeating: "x", count: 60_000)
            let codes = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for _ in 0..<200 { tasks.addTask { try await client.post(node.port, body).status } }
                return try await tasks.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(codes.allSatisfy { $0 == 200 || $0 == 400 })
            // Echoes are not fetched either: at the latest by these it is a slow consumer.
            try await eventually("it has ended") { try await client.post(node.port, body).status == 400 }
            try await eventually("nobody is left") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("a POST that waits for the client's rate is answered when it is begun, later than a request may take")
    func heldBack() async throws {
        let flags = ["--max-message-rate", "2", "--max-commands", "4", "--handshake-timeout", "6s"]
        try await withNode(flags: flags) { node in
            let client = try await EngineIOClient.open(node.port, path: "/socket.io/")
            try await client.post(node.port, "40")
            let event = "420[\"nothing\"]"
            let body = Array(repeating: event, count: 26).joined(separator: EngineIOClient.separator)
            let start = ContinuousClock.now
            #expect(try await client.post(node.port, body).status == 200)
            #expect(ContinuousClock.now - start >= .seconds(8))
        }
    }

    @Test("a client that never fetches its answers is cut when its queue is full, and its memory is free")
    func unread() async throws {
        try await withEcho(["--max-queue-bytes", "200000"]) { node in
            let client = try await EngineIOClient.open(node.port)
            let body = "4" + String(repeating: "x", count: 60_000)
            for _ in 0..<4 { #expect(try await client.post(node.port, body).status == 200) }
            // Until then it could still fetch its end.
            try await eventually("it is gone") { try await client.post(node.port, "4").status == 400 }
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1)
            #expect(try await node.metric("fanfare_queue_bytes") == 0)
        }
    }

    @Test(
        "sessions that nobody comes back for are bounded in number, the oldest go, and all go in time",
        .timeLimit(.minutes(10)))
    func halfOpen() async throws {
        try await withEcho(["--loops", "1", "--handshake-timeout", "20s"]) { node in
            let first = try await EngineIOClient.open(node.port)
            let used = try await EngineIOClient.open(node.port)
            try await used.post(node.port, "4a")
            let request = "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n"
            let socket = try await SocketClient.connect(node.port)
            for _ in 0..<100 {
                try await socket.send(String(repeating: request, count: 30))
                for _ in 0..<30 { #expect(try await socket.nextAnswer().status == 200) }
            }
            let bound = try await node.metric("fanfare_limit_engineio_half_open")
            #expect(try await node.metric("fanfare_engineio_half_open") <= bound)
            #expect(try await node.metric("fanfare_engineio_half_open_cut_total") >= 3_000 - bound)
            #expect(try await node.metric("fanfare_connections") <= bound + 1)
            #expect(try await first.answer(node.port).status == 400, "the oldest went")
            #expect(try await used.poll(node.port) == ["4a"], "one that came back has not")
            try await eventually(within: .seconds(90), "all have gone") {
                try await node.metric("fanfare_engineio_half_open") == 0
            }
            await socket.close()
        }
    }

    @Test("an address has as many sessions that nobody comes back for as it may have clients, however many it asks for")
    func halfOpenOfAddress() async throws {
        let flags = [
            "--max-connections-per-address", "20", "--max-connect-rate-per-address", "0", "--trusted-proxies", "none",
            "--handshake-timeout", "120s",
        ]
        try await withNode(flags: flags) { node in
            var statuses: [Int: Int] = [:]
            for _ in 0..<1_000 {
                let answer = try await HTTP.get(node.port, "/socket.io/?EIO=4&transport=polling")
                statuses[answer.status, default: 0] += 1
            }
            #expect(statuses == [200: 20, 429: 980])
            #expect(try await node.metric("fanfare_engineio_half_open") == 20)
            #expect(try await node.metric("fanfare_connections") == 20)
        }
    }

    @Test("WebSockets for sessions that nobody knows are attempts of their address")
    func madeUp() async throws {
        try await withRedis { redis in
            let flags = ["--max-connect-rate-per-address", "1", "--loops", "1"]
            try await withNode("one", redis: redis.url, flags: flags) { one in
                try await withNode("two", redis: redis.url, flags: flags) { two in
                    try await eventually("they see each other") { try await two.metric("fanfare_nodes") == 2 }
                    let client = try await EngineIOClient.open(one.port, path: "/socket.io/")
                    let sid = String(client.sid.dropLast()) + (client.sid.last == "0" ? "1" : "0")
                    for (node, refusal) in [(one, 400), (two, 503)] {
                        var statuses: [Int: Int] = [:]
                        for _ in 0..<30 {
                            let refused = await #expect(throws: WebSocketClient.Refused.self) {
                                _ = try await WebSocketClient.connect(
                                    node.port, "/socket.io/?EIO=4&transport=websocket&sid=\(sid)",
                                    headers: ["X-Forwarded-For": "192.0.2.1"])
                            }
                            statuses[refused?.answer.status ?? 0, default: 0] += 1
                        }
                        let (asked, limited) = (statuses[refusal] ?? 0, statuses[429] ?? 0)
                        #expect(asked >= 5 && limited >= 5, "\(statuses)")
                    }
                }
            }
        }
    }

    @Test("a poll that waits behind one that a publication answers does not have that passed on twice")
    func pipelined() async throws {
        try await withNode(flags: ["--loops", "1", "--namespaces", "f: tags-filter"]) { node in
            let client = try await EngineIOClient.open(node.port, path: "/socket.io/")
            var heard: [String] = []
            for packet in ["40", "420[\"subscribe\",\"f:1\"]"] {
                try await client.post(node.port, packet)
                heard += try await client.poll(node.port)
            }
            while !heard.contains(where: { $0.hasPrefix("430") }) { heard += try await client.poll(node.port) }
            let filtered = try await CentrifugeClient.connect(node.port)
            let reply = try await filtered.command(
                #""subscribe":{"channel":"f:1","tf":{"key":"k","cmp":"eq","val":"v"}}"#)
            #expect(reply.errorCode == nil, "\(reply.text)")
            let polls = try await client.pending(node.port)
            let query = "?EIO=4&transport=polling&sid=\(client.sid)"
            let request = "GET \(client.path)\(query) HTTP/1.1\r\nHost: a\r\n\r\n"
            try await polls.send(String(repeating: request, count: 5))
            for number in 0..<5 {
                try await eventually("it waits") { try await node.metric("fanfare_engineio_waiting_polls") == 1 }
                let body = #"{"channel":"f:1","data":\#(number),"tags":{"k":"v"}}"#
                #expect(try await HTTP.post(node.adminPort, "/api/publish", body).status == 200)
                #expect(try await polls.nextAnswer().body == "42[\"message\",\(number)]")
                #expect(try await filtered.nextPublication().data == "\(number)")
            }
            await polls.close()
            await filtered.close()
        }
    }

    @Test("pages of other origins get the reference's 403, and those of the list may poll with their cookies")
    func origins() async throws {
        try await withEcho(["--allowed-origins", "https://a.example"]) { node in
            let path = "/engine.io/?EIO=4&transport=polling"
            let foreign = try await HTTP.get(node.port, path, headers: ["Origin": "https://b.example"])
            #expect(foreign.status == 403 && foreign.body == #"{"code":4,"message":"Forbidden"}"#)
            #expect(foreign["access-control-allow-origin"] == nil)
            let own = try await HTTP.get(node.port, path, headers: ["Origin": "https://a.example"])
            #expect(own.status == 200 && own["access-control-allow-origin"] == "https://a.example")
            #expect(own["access-control-allow-credentials"] == "true")
        }
    }
}
