import FanfareTestKit
import Foundation
import Testing

/// Every limit gives the documented answer and is counted, while a well-behaved neighbour hears everything.
@Suite("Cluster: limits", .serialized)
struct LimitTests {
    /// Runs `body` beside a neighbour that must hear its own messages before, meanwhile and after.
    private func withNeighbour(
        _ flags: [String] = [], dev: Bool = true, _ body: (Node) async throws -> Void
    ) async throws {
        // The neighbour answers pings only while it listens for something.
        try await withNode(flags: flags + ["--ping-interval", "off"], dev: dev) { node in
            guard dev else { return try await body(node) }
            let neighbour = try await node.raw("neighbour")
            for round in ["before", "after"] {
                try await neighbour.send(round)
                #expect(try await neighbour.nextText() == round)
                if round == "before" { try await body(node) }
            }
        }
    }

    private func counted(_ node: Node, _ metric: String, _ value: Double = 1) async throws {
        try await eventually("\(metric) is \(value)") { try await node.metric(metric) == value }
    }

    @Test("connections above the limit get 503 with Retry-After, and places come back")
    func connections() async throws {
        try await withNeighbour(["--max-connections", "3"]) { node in
            let first = try await node.raw("a")
            let second = try await node.raw("a")
            do {
                _ = try await node.raw("a")
                Issue.record("was let in")
            } catch let refused as WebSocketClient.Refused {
                #expect(refused.answer.status == 503 && Int(refused.answer["retry-after"] ?? "") != nil)
                #expect(refused.answer["fanfare-node"] == "node")
            }
            try await counted(node, #"fanfare_connections_refused_total{reason="connection_limit"}"#)
            await first.close()
            try await counted(node, "fanfare_connections", 2)
            _ = try await node.raw("a")
            await second.close()
        }
    }

    @Test("a message above the limit is closed with 1009 by its header, also in fragments")
    func messageSize() async throws {
        try await withNeighbour(["--max-message-bytes", "1000"]) { node in
            let whole = try await node.raw("a")
            var header = WebSocketClient.frame(opcode: 2, Array(repeating: 1, count: 1_001))
            try await whole.socket.send(header.readSlice(length: 8) ?? header)
            #expect(try await whole.closeCode() == 1009)
            let pieces = try await node.raw("a")
            try await pieces.sendFrame(final: false, opcode: 1, Array(repeating: 65, count: 600))
            try await pieces.sendFrame(final: true, opcode: 0, Array(repeating: 65, count: 600))
            #expect(try await pieces.closeCode() == 1009)
            try await counted(node, #"fanfare_disconnects_total{code="1009"}"#, 2)
            #expect(try await HTTP.post(node.port, "/channels/a", String(repeating: "x", count: 1_001)).status == 413)
            let fits = try await node.raw("a")
            try await fits.send(String(repeating: "x", count: 1_000))
            #expect(try await fits.nextText().count == 1_000)
        }
    }

    @Test("a client that does not read is cut with 3008 and its neighbours lose nothing")
    func slowConsumer() async throws {
        try await withNeighbour([
            "--max-queue-bytes", "100000", "--max-message-bytes", "60000", "--close-timeout", "60s",
        ]) { node in
            let slow = try await node.raw("flood", receiveBuffer: 4_096)
            let quick = try await node.raw("flood")
            try await slow.socket.pauseReading()
            let text = String(repeating: "x", count: 50_000)
            var sent = 0
            try await eventually("the slow one is cut") {
                for _ in 0..<5 {
                    try await quick.send("\(sent):" + text)
                    #expect(try await quick.nextText().hasPrefix("\(sent):"))
                    sent += 1
                }
                return try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            try await slow.socket.resumeReading()
            #expect(try await slow.closeCode() == 3008, "it learns why when it reads again")
            try await counted(node, "fanfare_queue_bytes", 0)
            try await quick.send("after")
            #expect(try await quick.nextText() == "after")
        }
    }

    @Test("channels of a client and names of channels have limits")
    func channels() async throws {
        try await withNeighbour(["--max-channels", "2", "--max-channel-bytes", "10"]) { node in
            let client = try await node.centrifuge()
            try await client.subscribe("a")
            try await client.subscribe("b")
            #expect(try await client.subscribe("c").errorCode == 106)
            #expect(try await client.subscribe("12345678901").errorCode == 107)
            #expect(try await client.subscribe("a").errorCode == 105)
            try await counted(node, "fanfare_command_errors_total", 3)
            for name in ["12345678901", "a%20b", "%FF", ""] {
                #expect(try await HTTP.get(node.port, "/channels/\(name)/ws").status == 400, "\(name)")
            }
            try await counted(node, #"fanfare_connections_refused_total{reason="bad_channel"}"#, 4)
        }
    }

    @Test("who does not finish the handshake, or never connects, is sent away")
    func deadlines() async throws {
        try await withNeighbour(["--handshake-timeout", "6s", "--first-command-timeout", "300ms"]) { node in
            let silent = try await SocketClient.connect(node.port)
            let slow = try await SocketClient.connect(node.port)
            try await slow.send("GET / HTTP/1.1\r\nHost:")
            for client in [silent, slow] {
                let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
                #expect(answer?.status == 408)
            }
            let mute = try await WebSocketClient.connect(node.port, "/connection/websocket")
            #expect(try await mute.closeCode() == 3502)
            try await counted(node, #"fanfare_connections_refused_total{reason="handshake_timeout"}"#, 2)
            try await counted(node, #"fanfare_disconnects_total{code="3502"}"#)
            try await counted(node, "fanfare_pending_connections", 0)
        }
    }

    @Test("who does not answer a ping is closed with 3012; any traffic counts as life")
    func pings() async throws {
        // As long as a machine may stand still: who is there must be able to answer in time.
        try await withNode(flags: ["--ping-interval", "8s", "--pong-timeout", "7s"]) { node in
            let dead = try await node.raw("a")
            let answering = try await node.raw("b")
            let centrifuge = try await node.centrifuge()
            try await centrifuge.subscribe("c")
            // Both only answer pings until somebody says the word.
            async let word = answering.nextText()
            async let push = centrifuge.nextPublication()
            async let chat: Void = Self.chat(node.raw("chatty"))
            var pings = 0
            var code: UInt16?
            while let message = try await dead.next(answersPings: false) {
                if case .ping = message { pings += 1 }
                if case .close(let closed, _) = message {
                    code = closed
                    break
                }
            }
            #expect(code == 3012 && pings == 1)
            try await chat
            try await node.publish("b", "1")
            try await node.publish("c", "2")
            #expect(try await word == "1")
            #expect(try await push.data == "2")
            try await counted(node, #"fanfare_disconnects_total{code="3012"}"#)
            #expect(try await node.metric("fanfare_ping_round_trip_seconds_count") > 0)
        }
    }

    /// Says something all the time and answers no ping: the second one comes only to who outlived the first.
    private static func chat(_ client: WebSocketClient) async throws {
        var pings = 0
        while pings < 2 {
            try await client.send("x")
            let message = try #require(try await client.next(answersPings: false))
            if case .ping = message { pings += 1 }
            try await Task.sleep(for: .milliseconds(50))
        }
        await client.close()
    }

    @Test("oversized headers get 431, too many get 431, a malformed request 400")
    func headers() async throws {
        try await withNeighbour { node in
            let long = "X: " + String(repeating: "x", count: 9_000)
            let many = (0..<100).map { "X-\($0): y" }.joined(separator: "\r\n")
            let sum = (0..<5).map { "X-\($0): " + String(repeating: "y", count: 4_000) }.joined(separator: "\r\n")
            for (fields, status) in [(long, 431), (many, 431), (sum, 431), ("no colon", 400)] {
                let client = try await SocketClient.connect(node.port)
                try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n")
                let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
                #expect(answer?.status == status, "\(fields.prefix(20))")
                await client.close()
            }
            try await counted(node, #"fanfare_connections_refused_total{reason="bad_request"}"#, 4)
        }
    }

    @Test("without free descriptors accepting pauses, is counted, and goes on")
    func descriptors() async throws {
        let node = try await Node.start("files", flags: ["--loops", "1", "--max-pending-connections", "1000"])
        try await node.limitOpenFiles(120)
        var sockets: [SocketClient] = []
        for _ in 0..<150 { sockets.append(try await SocketClient.connect(node.port)) }
        try await eventually("accepting has paused") { node.log.contains("no free file descriptor") }
        for socket in sockets { await socket.reset() }
        try await eventually("accepting goes on") {
            (try? await within(.seconds(10), "an answer") { try await HTTP.get(node.port, "/") })?.status == 200
        }
        try await eventually("it was counted") { try await node.metric("fanfare_accept_pauses_total") >= 1 }
        await node.stop()
    }

    @Test("anonymous clients are refused by default, listen where they may, publish where they may")
    func permissions() async throws {
        try await withNeighbour(dev: false) { node in
            #expect(try await HTTP.post(node.port, "/channels/a", "x").status == 401)
            await #expect(throws: WebSocketClient.Refused.self) { try await node.raw("a") }
            let socket = try await WebSocketClient.connect(node.port, "/connection/websocket")
            try await socket.send(#"{"id":1,"connect":{}}"#)
            #expect(try await socket.nextText().contains(#""code":101"#))
        }
        try await withNeighbour(["--anonymous", "subscribe"], dev: false) { node in
            let raw = try await node.raw("a")
            let client = try await node.centrifuge()
            try await client.subscribe("a")
            #expect(try await client.publish("a", "1").errorCode == 103)
            try await node.publish("a", #""from the backend""#)
            #expect(try await raw.nextText() == #""from the backend""#)
            try await raw.send("x")
            #expect(try await raw.closeCode() == 3507)
        }
    }
}
