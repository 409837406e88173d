import FanfareTestKit
import Foundation
import Testing

/// Engine.IO 4 against a node that echoes, rule by rule.
@Suite("Engine.IO")
struct EngineIOTests {
    private static let errors: [(query: String, code: Int)] = [
        ("EIO=4", 0), ("EIO=4&transport=abc", 0), ("EIO=4&transport=polling&sid=abc", 1),
        ("EIO=4&transport=websocket", 3), ("transport=polling", 5), ("EIO=3&transport=polling", 5),
    ]

    @Test("the handshake has the suite's keys and this node's limits, with a slash behind the path or without")
    func handshake() async throws {
        try await withEcho(["--max-message-bytes", "100000", "--ping-interval", "20s", "--pong-timeout", "5s"]) {
            node in
            for path in ["/engine.io/", "/engine.io"] {
                let client = try await EngineIOClient.open(node.port, path: path)
                let rest = #","upgrades":["websocket"],"pingInterval":20000,"pingTimeout":5000,"maxPayload":100000}"#
                #expect(client.handshake == "0{\"sid\":\"\(client.sid)\"" + rest)
                let (other, socket) = try await EngineIOClient.openSocket(node.port, path: path)
                #expect(other.handshake.contains(#""upgrades":[],"#) && other.sid != client.sid)
                await socket.close()
            }
            let answer = try await HTTP.get(node.port, "/engine.io/?EIO=4&transport=polling")
            #expect(answer["content-type"] == "text/plain; charset=UTF-8" && answer["cache-control"] == "no-store")
            #expect(answer["set-cookie"] == nil && answer["access-control-allow-origin"] == nil)
        }
    }

    @Test("what is no request of Engine.IO gets the reference's codes, an older client its own")
    func errors() async throws {
        try await withEcho { node in
            for (query, code) in Self.errors {
                let answer = try await HTTP.get(node.port, "/engine.io/?" + query)
                #expect(answer.status == 400 && answer.body.hasPrefix("{\"code\":\(code),\"message\":\""), "\(query)")
                #expect(answer["content-type"] == "application/json")
            }
            let post = try await HTTP.post(node.port, "/engine.io/?EIO=4&transport=polling", "")
            #expect(post.status == 400 && post.body == #"{"code":2,"message":"Bad handshake method"}"#)
            await #expect(throws: WebSocketClient.Refused.self) {
                _ = try await WebSocketClient.connect(node.port, "/engine.io/?EIO=3&transport=websocket")
            }
        }
    }

    @Test("messages and binary go both ways, many in one body, in their order")
    func messages() async throws {
        try await withEcho { node in
            let client = try await EngineIOClient.open(node.port)
            let posted = try await client.post(node.port, "4hello", "bAQIDBA==", "4é")
            #expect(posted.status == 200 && posted.body == "ok" && posted["content-type"] == "text/html")
            #expect(try await client.poll(node.port) == ["4hello", "bAQIDBA==", "4é"])
            let (_, socket) = try await EngineIOClient.openSocket(node.port)
            try await socket.send("4hello")
            try await socket.send([1, 2, 3, 4])
            #expect(try await socket.nextText() == "4hello")
            #expect(try await socket.next() == .binary([1, 2, 3, 4]))
            await socket.close()
        }
    }

    @Test("a message of 900 KB comes whole by a poll, and one above the limit is 413")
    func bigMessages() async throws {
        try await withEcho(["--max-message-bytes", "1000000", "--max-queue-bytes", "4000000"]) { node in
            let client = try await EngineIOClient.open(node.port)
            let text = "4" + String(repeating: "é", count: 450_000)
            try await client.post(node.port, text, "4after")
            var packets: [String] = []
            while packets.last != "4after" { packets += try await client.poll(node.port) }
            #expect(packets == [text, "4after"])
            let refused = try await client.post(node.port, "4" + String(repeating: "x", count: 1_000_001))
            #expect(refused.status == 413)
        }
    }

    @Test("pings come by polls too, and only a pong keeps the session", .timeLimit(.minutes(10)))
    func heartbeats() async throws {
        try await withEcho(["--ping-interval", "5100ms", "--pong-timeout", "5s"]) { node in
            let (client, other) = (try await EngineIOClient.open(node.port), try await EngineIOClient.open(node.port))
            for _ in 0..<2 {
                #expect(try await client.poll(node.port) == ["2"])
                #expect(try await client.post(node.port, "3").body == "ok")
            }
            try await eventually("data is no pong") { try await other.post(node.port, "4x").status == 400 }
            let (_, socket) = try await EngineIOClient.openSocket(node.port)
            #expect(try await socket.nextText() == "2")
            try await socket.send("3")
            #expect(try await socket.nextText() == "2")
            try await socket.send("4x")
            #expect(try await socket.closeCode() == 3012, "a message is no pong")
        }
    }

    @Test("a ping of the client's, and a message that is no packet, end the session")
    func wrongPackets() async throws {
        try await withEcho { node in
            for packet in ["2", "abc", "", "7"] {
                let (_, socket) = try await EngineIOClient.openSocket(node.port)
                try await socket.send(packet)
                #expect(try await socket.closeCode() == 1002, "'\(packet)'")
            }
            for body in ["abc", "", "4a\u{1E}", "bA"] {
                let client = try await EngineIOClient.open(node.port)
                #expect(try await client.post(node.port, body).status == 400, "'\(body)'")
                #expect(try await client.answer(node.port).body == #"{"code":1,"message":"Session ID unknown"}"#)
            }
            let client = try await EngineIOClient.open(node.port)
            let binary = ["Content-Type": "application/octet-stream"]
            #expect(try await client.post(node.port, "4a", headers: binary).status == 400)
            #expect(try await client.answer(node.port).status == 400)
        }
    }

    @Test("a second poll beside one that waits gets 400, the first the end; a poll that is cut ends the session")
    func polls() async throws {
        try await withEcho { node in
            var client = try await EngineIOClient.open(node.port)
            let first = try await client.pending(node.port)
            try await eventually("it waits") { try await node.metric("fanfare_engineio_waiting_polls") == 1 }
            #expect(try await client.answer(node.port).body == #"{"code":3,"message":"Bad request"}"#)
            let end = try await first.nextAnswer()
            #expect(end.status == 200 && end.body == "1")
            await first.close()
            client = try await EngineIOClient.open(node.port)
            let cut = try await client.pending(node.port)
            try await eventually("it waits") { try await node.metric("fanfare_engineio_waiting_polls") == 1 }
            await cut.close()
            try await eventually("the session has ended") { try await client.post(node.port, "6").status == 400 }
        }
    }

    @Test("a client that says 1 has its poll answered with 6, whichever comes first")
    func close() async throws {
        try await withEcho { node in
            var client = try await EngineIOClient.open(node.port)
            let waiting = try await client.pending(node.port)
            try await eventually("it waits") { try await node.metric("fanfare_engineio_waiting_polls") == 1 }
            #expect(try await client.post(node.port, "1").body == "ok")
            #expect(try await waiting.nextAnswer().body == "6")
            #expect(try await client.answer(node.port).status == 400)
            client = try await EngineIOClient.open(node.port)
            #expect(try await client.post(node.port, "4a", "1").body == "ok")
            #expect(try await client.answer(node.port).body == "6", "one that was on its way")
            #expect(try await client.answer(node.port).status == 400)
            let (_, socket) = try await EngineIOClient.openSocket(node.port)
            try await socket.send("1")
            #expect(try await socket.closeCode() == 1000)
            try await eventually("nobody is left") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test(
        "clients of python-engineio get 16 packets in an answer at most, also through another node; others all that waits"
    )
    func python() async throws {
        try await withEchoes(2) { nodes, _ in
            let texts = (0..<40).map { "4\($0)" }
            for (agent, counts) in [
                ("python-requests/2.34.2", [16, 16, 8]), ("Python/3.11 aiohttp/3", [16, 16, 8]), ("x", [40]),
            ] {
                for node in nodes {
                    let client = try await EngineIOClient.open(nodes[0].port)
                    try await client.post(nodes[0].port, texts.joined(separator: EngineIOClient.separator))
                    var heard: [[String]] = []
                    while heard.joined().count < texts.count {
                        heard.append(try await client.poll(node.port, headers: ["User-Agent": agent]))
                    }
                    #expect(heard.map(\.count) == counts && Array(heard.joined()) == texts, "\(agent)")
                    // What is left of a cut answer goes to the WebSocket before what comes later.
                    try await client.post(node.port, texts.joined(separator: EngineIOClient.separator))
                    let first = try await client.poll(nodes[0].port, headers: ["User-Agent": agent])
                    let socket = try await client.probed(nodes[0].port)
                    try await socket.send("5")
                    for text in texts { socket.sendLater(text) }
                    var rest = first
                    while rest.count < 2 * texts.count { rest.append(try await socket.nextText()) }
                    #expect(rest == texts + texts)
                    await socket.close()
                }
            }
        }
    }

    @Test("a drain tells a poll that waits, and WebSockets, so that clients come back elsewhere")
    func drain() async throws {
        try await withEcho { node in
            let client = try await EngineIOClient.open(node.port)
            let waiting = try await client.pending(node.port)
            let (_, socket) = try await EngineIOClient.openSocket(node.port)
            try await eventually("it waits") { try await node.metric("fanfare_engineio_waiting_polls") == 1 }
            node.terminate()
            #expect(try await waiting.nextAnswer().body == "1")
            #expect(try await socket.closeCode() == 1012)
            await socket.close()
            #expect(try await node.waitForExit() == 0)
        }
    }
}
