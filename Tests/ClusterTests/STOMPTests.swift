import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: STOMP")
struct STOMPTests {
    private static let flags = [
        "--namespaces", "chat: history=50/10m recovery; room: presence; *: publish=clients",
    ]

    private func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in try await body(one, two) }
            }
        }
    }

    @Test("what one publishes all hear on both nodes: STOMP, Centrifuge and raw clients")
    func everyone() async throws {
        try await withNodes { one, two in
            let (first, second) = (try await STOMPClient.connect(one.port), try await STOMPClient.connect(two.port))
            _ = try await first.subscribe("/topic/room:1")
            _ = try await second.subscribe("/topic/room\\c1")
            _ = try await second.subscribe("room\\c1", id: "bare")
            let raw = try await WebSocketClient.connect(two.port, "/channels/room:1/ws")
            let centrifuge = try await one.centrifuge()
            _ = try await centrifuge.subscribe("room:1", recovering: nil)

            try await first.send(
                "SEND\ndestination:/topic/room\\c1\ncontent-type:application/json\nk:a\\cb\nreceipt:7\n\n{\"a\":1}^")
            // Its receipt and its own message come in any order.
            let heard = try await [first.next(), first.next()].sorted()
            #expect(heard[1] == "RECEIPT\nreceipt-id:7\n\n^")
            #expect(heard[0].hasPrefix("MESSAGE\nsubscription:0\n") && heard[0].hasSuffix("\n\n{\"a\":1}^"))
            var destinations: [String: String] = [:]
            for _ in 0..<2 {
                let (headers, body) = try await second.message()
                destinations[headers["subscription"] ?? ""] = headers["destination"]
                #expect(body == "{\"a\":1}" && headers["k"] == "a\\cb" && headers["content-length"] == "7")
                #expect(headers["content-type"] == "application/json" && headers["message-id"] != nil)
            }
            #expect(destinations == ["0": "/topic/room\\c1", "bare": "room\\c1"])
            #expect(try await raw.next() == .text("{\"a\":1}"))
            #expect(try await centrifuge.nextPublication().data == "{\"a\":1}")

            // Bytes that are no text come in a binary message.
            try await raw.send([0xFF, 0])
            let binary = try await first.next()
            #expect(binary.hasPrefix("binary MESSAGE\nsubscription:0\n") && binary.contains("\ncontent-length:2\n"))
            for client in [first, second] { await client.close() }
            await raw.close()
            await centrifuge.close()
        }
    }

    @Test("a client comes back on another node with since, and hears what it missed once, in order")
    func recovery() async throws {
        try await withNodes { one, two in
            let first = try await STOMPClient.connect(one.port)
            _ = try await first.subscribe("/topic/chat\\ca")
            _ = try await one.publish("chat:a", "1")
            let headers = try await first.message().headers
            let since = "\(headers["offset"] ?? "").\(headers["epoch"] ?? "")"
            await first.close()
            for number in 2...4 { try await two.publish("chat:a", "\(number)") }
            let second = try await STOMPClient.connect(two.port)
            let receipt = try await second.subscribe("chat\\ca", headers: "since:\(since)\n")
            #expect(receipt.contains("\noffset:1\n"))
            try await one.publish("chat:a", "5")
            for number in 2...5 {
                let (headers, body) = try await second.message()
                #expect(body == "\(number)" && headers["offset"] == "\(number)")
            }
            // What is lost is said.
            try await second.send("SUBSCRIBE\nid:x\ndestination:chat\\ca\nsince:1.aaaaaaaa\nreceipt:r\n\n^")
            let error = try await second.next()
            #expect(error.hasPrefix("ERROR\nmessage:since") && error.contains("\nreceipt-id:r\n"))
            #expect(try await second.next() == "close 3010")
            await second.close()
        }
    }

    @Test(
        "one subprotocol is chosen, the newest that the client offers, and none that it does not",
        arguments: [
            ("v10.stomp, v11.stomp, v12.stomp", "v12.stomp"), ("v11.stomp,v10.stomp", "v11.stomp"),
            ("v10.stomp", "v10.stomp"), ("other", nil), (nil, nil),
        ] as [(String?, String?)])
    func subprotocols(_ offer: String?, _ chosen: String?) async throws {
        try await withNode("one", flags: Self.flags) { node in
            let client = STOMPClient(
                socket: try await WebSocketClient.connect(
                    node.port, "/stomp", headers: offer.map { ["Sec-WebSocket-Protocol": $0] } ?? [:]))
            #expect(client.socket.answer["sec-websocket-protocol"] == chosen)
            try await client.send("CONNECT\naccept-version:1.0,1.1,1.2\n\n^")
            let answer = try await client.next()
            #expect(answer.hasPrefix("CONNECTED\nversion:1.2\n"))
            await client.close()
        }
    }

    @Test("frames come in any pieces, one byte a message among them, and several in one")
    func pieces() async throws {
        try await withNode("one", flags: Self.flags) { node in
            let client = try await STOMPClient.connect(node.port)
            let text =
                "\n\nSUBSCRIBE\r\nid:0\r\ndestination:a\r\n\r\n\0SEND\ndestination:a\ncontent-length:3\n\na\0b\0\n\n"
            for byte in text.utf8 { try await client.socket.send([byte]) }
            #expect(try await client.message().body == "a^b")
            try await client.send("SEND\ndestination:a\n\n1^SEND\ndestination:a\n\n2^")
            #expect(try await client.message().body == "1")
            #expect(try await client.message().body == "2")
            try await client.send("\nDISCONNECT\nreceipt:bye\n\n^\n")
            #expect(try await client.next() == "RECEIPT\nreceipt-id:bye\n\n^")
            #expect(try await client.next() == "close 1000")
            await client.close()
        }
    }

    @Test("a heart-beat comes where the client wants one, and a frame without an end is cut off in time")
    func time() async throws {
        let flags = Self.flags + ["--ping-interval", "5s", "--pong-timeout", "4s", "--message-timeout", "1s"]
        try await withNode("one", flags: flags) { node in
            let client = try await STOMPClient.connect(node.port, headers: "heart-beat:0,1000\n")
            var message = try await client.socket.next()
            while message == .pong([]) { message = try await client.socket.next() }
            #expect(message == .text("\n"))
            try await client.send("SEND\ndestination:a\n")
            var last = try await client.next()
            while last.hasPrefix("RECEIPT") { last = try await client.next() }
            #expect(last == "close 3100")
            await client.close()
        }
    }

    @Test("who says nothing, or what is no STOMP, is ended and told why")
    func refusals() async throws {
        try await withNode("one", flags: Self.flags + ["--first-command-timeout", "1s"]) { node in
            let silent = STOMPClient(socket: try await WebSocketClient.connect(node.port, "/stomp"))
            #expect(try await silent.next() == "ERROR\nmessage:no command in time\n\n^")
            #expect(try await silent.next() == "close 3502")
            await silent.close()
        }
        try await withNode("one", flags: Self.flags) { node in
            for (text, message, code) in [
                ("GET / HTTP/1.1\n", "unknown command", 3501), ("SEND\n", "SEND before CONNECT", 3501),
                ("CONNECT\naccept-version:9\n\n^", "no common version", 3501),
            ] {
                let client = STOMPClient(socket: try await WebSocketClient.connect(node.port, "/stomp"))
                try await client.send(text)
                let heard = try await client.next()
                #expect(heard.hasPrefix("ERROR\n") && heard.contains(message), "\(heard)")
                #expect(try await client.next() == "close \(code)")
                await client.close()
            }
            for (text, message, code) in [
                ("SEND\ncontent-length:99999999\n\n", "the body is above the limit", 1009),
                ("SEND\n" + String(repeating: "a:b\n", count: 65), "more than 64 headers", 1008),
                ("SEND\n" + String(repeating: "a", count: 20_000), "more than 16384 bytes of headers", 1008),
            ] {
                let client = try await STOMPClient.connect(node.port)
                try await client.send(text)
                let heard = try await client.next()
                #expect(heard.hasPrefix("ERROR\n") && heard.contains(message), "\(heard)")
                #expect(try await client.next() == "close \(code)")
                await client.close()
            }
            try await eventually("all are gone") { try await node.metric("fanfare_connections") == 0 }
        }
    }
}
