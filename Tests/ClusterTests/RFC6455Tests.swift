import FanfareTestKit
import Testing

/// RFC 6455 on a real node where its pure parts meet sockets and time. What frames may look like is in HostileInputTests
/// and, as others see it, in ConformanceTests.
@Suite("Cluster: RFC 6455", .serialized)
struct RFC6455Tests {
    private static let upgrade = [
        "Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    private func ask(
        _ node: Node, _ line: String = "GET /channels/a/ws HTTP/1.1", without: String? = nil, with: [String] = [],
        body: String = ""
    ) async throws -> HTTPAnswer {
        let fields = Self.upgrade.filter { field in without.map { !field.hasPrefix($0) } ?? true } + with
        let socket = try await SocketClient.connect(node.port)
        try await socket.send(([line] + fields).joined(separator: "\r\n") + "\r\n\r\n" + body)
        let answer = try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }
        await socket.close()
        return try #require(answer)
    }

    @Test("each thing that is wrong with an opening handshake gets its own answer")
    func openings() async throws {
        try await withNode { node in
            let cases: [(status: Int, without: String?, with: [String])] = [
                (101, nil, []), (101, "Host", ["HOST: b"]), (101, "Upgrade", ["upgrade: h2c, WebSocket"]),
                (101, "Connection", ["Connection: keep-alive", "connection: UPGRADE"]),
                (400, "Host", []), (400, nil, ["Host: b"]), (426, "Upgrade", []), (400, "Connection", []),
                (426, "Sec-WebSocket-Version", []), (426, "Sec-WebSocket-Version", ["Sec-WebSocket-Version: 14"]),
                (400, nil, ["Sec-WebSocket-Version: 13"]), (400, "Sec-WebSocket-Key", []),
                (400, nil, ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]),
                (400, "Sec-WebSocket-Key", ["Sec-WebSocket-Key: c2hvcnQ="]), (400, nil, ["Content-Length: 3"]),
                (400, nil, ["Sec-WebSocket-Extensions: ,;"]), (101, nil, ["Sec-WebSocket-Extensions: x; y=z"]),
                (101, nil, ["Sec-WebSocket-Protocol: chat, superchat"]),
            ]
            for (status, without, with) in cases {
                let answer = try await ask(node, without: without, with: with, body: "abc")
                #expect(answer.status == status, "without \(without ?? "nothing"), with \(with): \(answer.body)")
                if status == 426 {
                    #expect(answer["sec-websocket-version"] == "13" || answer["upgrade"] == "websocket")
                }
                #expect(answer["sec-websocket-protocol"] == nil && answer["sec-websocket-extensions"] == nil)
            }
            let old = try await ask(node, "GET /channels/a/ws HTTP/1.0")
            #expect(old.status == 400)
            let absolute = try await ask(node, "GET http://a/channels/a/ws HTTP/1.1")
            #expect(absolute.status == 101)
            let long = try await ask(node, "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1")
            #expect(long.status == 431)
            let posted = try await ask(node, "POST /channels/a/ws HTTP/1.1")
            #expect(posted.status == 405 && posted["allow"] == "GET, OPTIONS")
            try await eventually("nothing is left") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("a subprotocol is chosen from several lists, in the client's order, and only where one is spoken")
    func subprotocols() async throws {
        try await withNode { node in
            for (line, chosen) in [("/connection/websocket", "centrifuge-json"), ("/channels/a/ws", nil)] {
                let answer = try await ask(
                    node, "GET \(line) HTTP/1.1",
                    with: ["Sec-WebSocket-Protocol: x,", "sec-websocket-protocol: y , centrifuge-json"])
                #expect(answer.status == 101 && answer["sec-websocket-protocol"] == chosen)
            }
        }
    }

    @Test("a client's close is answered with its code and the connection ended by the node")
    func answered() async throws {
        try await withNode(flags: ["--close-timeout", "60s"]) { node in
            for (body, code) in [([], nil), ([0x03, 0xE9], 1_001), ([0x0F, 0xA0] + Array("why".utf8), 4_000)]
                as [([UInt8], UInt16?)]
            {
                let client = try await node.raw("c")
                try await client.sendFrame(opcode: 8, body)
                let answer = try await client.next()
                #expect(answer == .close(code, ""))
                try await eventually("the node ends the connection") { client.socket.isClosed }
            }
        }
    }

    @Test("the node's close waits for the client's, hears nothing else, and not for ever")
    func initiated() async throws {
        try await withNode(flags: ["--close-timeout", "8s", "--max-message-bytes", "1000"]) { node in
            let listener = try await node.raw("c")
            let polite = try await node.centrifuge()
            try await polite.socket.send("no command")
            let code = try await polite.socket.closeCode()
            #expect(code == 3_501)
            try await polite.socket.send(#"{"id":9,"publish":{"channel":"c","data":1}}"#)
            let before = ContinuousClock.now
            try await polite.socket.sendClose(3_501)
            try await eventually("the answer ends it") { polite.socket.socket.isClosed }
            let silent = try await node.centrifuge()
            try await silent.socket.send("no command")
            let cut = try await silent.socket.closeCode()
            #expect(cut == 3_501 && !silent.socket.socket.isClosed)
            try await eventually("the deadline ends it") { silent.socket.socket.isClosed }
            #expect(ContinuousClock.now - before > .seconds(6), "one of them waited")
            try await listener.send("last")
            let heard = try await listener.nextText()
            #expect(heard == "last", "nothing that came after a close was published")
        }
    }

    @Test("a message that does not end is ended: in a header, in a payload, between fragments, pongs or not")
    func unfinished() async throws {
        try await withNode(flags: ["--message-timeout", "6s"]) { node in
            let neighbour = try await node.raw("n")
            let whole = WebSocketClient.frame(opcode: 2, Array(repeating: 7, count: 200))
            var clients: [(cut: Int, client: WebSocketClient)] = []
            for cut in [1, 3, 7, 100] {
                let client = try await node.raw("h")
                try await client.socket.send(whole.getSlice(at: 0, length: cut) ?? whole)
                clients.append((cut, client))
            }
            let dripping = try await node.raw("h")
            try await dripping.sendFrame(final: false, opcode: 1, [65])
            let drip = Task {
                while !Task.isCancelled {
                    try await dripping.sendFrame(opcode: 10, [])
                    try await dripping.sendFrame(final: false, opcode: 0, [65])
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let code = try await dripping.closeCode()
            drip.cancel()
            #expect(code == 3_100)
            for (cut, client) in clients {
                let code = try await client.closeCode()
                #expect(code == 3_100, "cut at \(cut)")
                await client.close()
            }
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3100"}"#) == 5)
            // Longer than the limit in all, but never one message for so long.
            for round in 0..<8 {
                var frame = WebSocketClient.frame(opcode: 1, Array("\(round)".utf8))
                let rest = frame.readableBytes - 1
                if let begin = frame.readSlice(length: rest) { try await neighbour.socket.send(begin) }
                try await Task.sleep(for: .milliseconds(1_000))
                try await neighbour.socket.send(frame)
                let heard = try await neighbour.nextText()
                #expect(heard == "\(round)")
            }
        }
    }

    @Test("floods of pings, of pongs and of fragments end with 1008, a burst within the limit does not")
    func floods() async throws {
        try await withNode(flags: ["--max-control-frames", "20", "--max-fragments", "5"]) { node in
            let neighbour = try await node.raw("n")
            for opcode in [9, 10] as [UInt8] {
                let client = try await node.raw("h")
                for _ in 0..<20 { try await client.sendFrame(opcode: opcode, []) }
                try await client.send("still here")
                var isHere = false
                while !isHere, let message = try await client.next() { isHere = message == .text("still here") }
                #expect(isHere)
                for _ in 0..<200 { client.socket.sendLater(WebSocketClient.frame(opcode: opcode, [])) }
                let code = try await client.closeCode()
                #expect(code == 1_008)
            }
            let pieces = try await node.raw("h")
            for part in 0..<5 { try await pieces.sendFrame(final: part == 4, opcode: part == 0 ? 1 : 0, [65]) }
            let text = try await pieces.nextText()
            #expect(text == "AAAAA")
            for part in 0..<6 { try await pieces.sendFrame(final: false, opcode: part == 0 ? 1 : 0, []) }
            let code = try await pieces.closeCode()
            #expect(code == 1_008)
            #expect(try await node.metric(#"fanfare_disconnects_total{code="1008"}"#) == 3)
            try await neighbour.send("after")
            let heard = try await neighbour.nextText()
            #expect(heard == "after")
        }
    }
}
