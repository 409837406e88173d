import FanfareTestKit
import Testing

@Suite("Cluster: hostile input", .serialized)
struct HostileInputTests {
    @Test("frames against RFC 6455 get its close code, and the neighbour hears everything")
    func frames() async throws {
        try await withNode { node in
            let neighbour = try await node.raw("n")
            let cases: [(String, UInt16, (WebSocketClient) async throws -> Void)] = [
                ("unmasked", 1002, { try await $0.sendFrame(opcode: 1, [65], masked: false) }),
                ("reserved bit", 1002, { try await $0.sendFrame(reserved: 4, opcode: 1, [65]) }),
                ("reserved opcode", 1002, { try await $0.sendFrame(opcode: 3, []) }),
                ("fragmented ping", 1002, { try await $0.sendFrame(final: false, opcode: 9, []) }),
                ("long ping", 1002, { try await $0.sendFrame(opcode: 9, Array(repeating: 0, count: 126)) }),
                ("continuation of nothing", 1002, { try await $0.sendFrame(opcode: 0, [65]) }),
                ("bad close code", 1002, { try await $0.sendClose(1005) }),
                ("bad text", 1007, { try await $0.sendFrame(opcode: 1, [0xFF]) }),
                (
                    "huge length", 1009,
                    {
                        try await $0.socket.send(
                            .init(bytes: [0x82, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]))
                    }
                ),
            ]
            for (name, code, send) in cases {
                let client = try await node.raw("h")
                try await send(client)
                #expect(try await client.closeCode() == code, "\(name)")
                await client.close()
                try await neighbour.send(name)
                #expect(try await neighbour.nextText() == name)
            }
            #expect(try await node.metric(#"fanfare_disconnects_total{code="1002"}"#) == 7)
            try await eventually("only the neighbour is left") { try await node.metric("fanfare_connections") == 1 }
        }
    }

    @Test("a close is answered and the node ends the connection first")
    func closing() async throws {
        try await withNode(flags: ["--close-timeout", "60s"]) { node in
            let client = try await node.raw("c")
            try await client.sendClose(1000)
            #expect(try await client.closeCode() == 1000)
            try await eventually("the connection is ended") { client.socket.isClosed }
            try await eventually("it is counted as a normal end") {
                try await node.metric(#"fanfare_disconnects_total{code="1000"}"#) == 1
            }
            let vanished = try await node.raw("c")
            await vanished.socket.reset()
            try await eventually("it is counted as lost") {
                try await node.metric(#"fanfare_disconnects_total{code="1006"}"#) == 1
            }
        }
    }

    @Test("commands at the wrong time or of no sense end the client with 3501, and nobody else notices")
    func commands() async throws {
        try await withNode(flags: ["--max-commands", "3"]) { node in
            let neighbour = try await node.raw("n")
            for text in [
                "hello", "[]", #"{"id":1}"#, #"{"id":1,"subscribe":{"channel":"a"}}"#, "{}", #"{"id":1,"connect":{}"#,
                "{}\n{}\n{}\n{}", String(repeating: "[", count: 60_000), #"{"id":"1","connect":{}}"#,
            ] {
                let client = try await WebSocketClient.connect(node.port, "/connection/websocket")
                try await client.send(text)
                #expect(try await client.closeCode() == 3501, "\(text.prefix(40))")
                await client.close()
                try await neighbour.send("on")
                #expect(try await neighbour.nextText() == "on")
            }
            let twice = try await node.centrifuge()
            try await twice.socket.send(#"{"id":9,"connect":{}}"#)
            #expect(try await twice.socket.closeCode() == 3501)
            let binary = try await node.centrifuge()
            try await binary.socket.send([1, 2, 3])
            #expect(try await binary.socket.closeCode() == 1003)
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3501"}"#) == 10)
            try await eventually("only the neighbour is left") { try await node.metric("fanfare_connections") == 1 }
        }
    }

    @Test("several commands in one frame are all answered, in order")
    func batch() async throws {
        try await withNode { node in
            let client = try await WebSocketClient.connect(
                node.port, "/connection/websocket", headers: ["Sec-WebSocket-Protocol": "centrifuge-json"])
            #expect(client.answer["sec-websocket-protocol"] == "centrifuge-json")
            try await client.send(
                "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n{\"id\":3,\"presence\":{\"channel\":\"a\"}}\n"
            )
            var ids: Set<String> = []
            for _ in 0..<3 {
                let text = try await client.nextText()
                ids.insert(text.firstMatch(of: /"id":(\d)/).map { String($0.1) } ?? "?")
            }
            #expect(ids == ["1", "2", "3"])
        }
    }

    @Test("requests that are no upgrade get their own answers")
    func requests() async throws {
        try await withNode { node in
            let neighbour = try await node.raw("n")
            #expect(try await HTTP.get(node.port, "/nothing").status == 404)
            #expect(try await HTTP.get(node.port, "/connection/websocket").status == 426)
            #expect(try await HTTP.post(node.port, "/connection/websocket", "").status == 405)
            #expect(try await HTTP.get(node.port, "/channels/a").status == 405)
            let page = try await HTTP.get(node.port, "/")
            #expect(page.status == 200 && page["fanfare-node"] == "node" && page.body.contains("Fanfare"))
            let old = try await HTTP.get(
                node.port, "/channels/a/ws",
                headers: [
                    "Upgrade": "websocket", "Sec-WebSocket-Version": "8",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                ])
            #expect(old.status == 400, "without Connection: Upgrade")
            let garbage = try await SocketClient.connect(node.port)
            try await garbage.send("\u{0}\u{1}\u{2} what\r\n\r\n")
            #expect(try await garbage.receive("an answer") { HTTPAnswer.parse(&$0) }?.status == 400)
            for _ in 0..<50 {
                let half = try await SocketClient.connect(node.port)
                try await half.send("GET / HT")
                await half.reset()
            }
            try await eventually("no socket is left") { try await node.metric("fanfare_pending_connections") == 0 }
            try await neighbour.send("on")
            #expect(try await neighbour.nextText() == "on")
        }
    }

    @Test("bytes that come with the upgrade request are not lost")
    func pipelined() async throws {
        try await withNode { node in
            let socket = try await SocketClient.connect(node.port)
            var bytes = "GET /channels/p/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            bytes += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            var buffer = WebSocketClient.frame(opcode: 1, Array("early".utf8))
            var all = buffer
            all.clear()
            all.writeString(bytes)
            all.writeBuffer(&buffer)
            try await socket.send(all)
            #expect(try await socket.receive("the upgrade") { HTTPAnswer.parse(&$0) }?.status == 101)
            let echo = try await socket.receive("the message") { bytes in bytes.readString(length: 7) }
            #expect(echo?.hasSuffix("early") == true)
            await socket.close()
        }
    }

    @Test("the server API says what is wrong with a request")
    func serverAPI() async throws {
        try await withNode(flags: [
            "--max-queue-bytes", "2000", "--max-message-bytes", "1000", "--max-api-body-bytes", "5000",
        ]) { node in
            let big = String(repeating: "x", count: 3_000)
            let publishes: [(body: String, status: Int)] = [
                ("", 400), ("[]", 400), (#"{"channel":"a"}"#, 400), (#"{"channel":"bad name","data":1}"#, 400),
                (#"{"channel":5,"data":1}"#, 400), (#"{"channel":"a","data":"\#(big)"}"#, 413), (big + big, 413),
                (#"{"channel":"a","data":{"ok":true}}"#, 200), (#"{"channel":"a","b64data":"AP8="}"#, 200),
                (#"{"channel":"a","b64data":"?"}"#, 400),
            ]
            for (body, status) in publishes {
                let answer = try await HTTP.post(node.adminPort, "/api/publish", body)
                #expect(answer.status == status, "\(body.prefix(40)): \(answer.body)")
                #expect(answer["fanfare-node"] == "node")
            }
            let empty = try await HTTP.post(node.adminPort, "/api/broadcast", #"{"channels":[],"data":1}"#)
            #expect(empty.status == 400)
            let nothing = try await HTTP.post(node.adminPort, "/api/nothing", "{}")
            #expect(nothing.status == 404 && nothing.body.contains("error"))
            #expect(try await node.metric("fanfare_api_publications_total") == 2)
        }
    }
}
