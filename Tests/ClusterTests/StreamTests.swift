import FanfareTestKit
import FanfareWire
import Testing

/// `/channels/{channel}/sse` and `/stream` at a real node: what readers get.
@Suite("Cluster: streams over HTTP", .serialized)
struct StreamTests {
    private typealias Event = EventStreamReader.Event

    /// Publishes text, text of several lines and bytes, through a WebSocket.
    private func publishAll(_ node: Node, _ channel: String) async throws {
        let publisher = try await node.raw(channel)
        try await publisher.send("hello")
        try await publisher.send("{\"a\":1,\n \"b\":[2]}")
        try await publisher.send("")
        try await publisher.send(" two spaces\r\nand\rmore\n")
        try await publisher.send([0xFF, 0x00, 0x0A, 0x0D])
        try await publisher.send("end")
        await publisher.close()
    }

    private static let events: [Event] = [
        Event(data: "hello"), Event(data: "{\"a\":1,\n \"b\":[2]}"), Event(data: ""),
        Event(data: " two spaces\nand\nmore\n"), Event(type: "binary", data: "/wAKDQ=="), Event(data: "end"),
    ]
    private static let lines = [
        #"{"data":"hello"}"#, #"{"data":{"a":1,  "b":[2]}}"#, #"{"data":""}"#,
        #"{"data":" two spaces\r\nand\rmore\n"}"#, #"{"base64":"/wAKDQ=="}"#, #"{"data":"end"}"#,
    ]

    @Test(
        "text, several lines, nothing and bytes arrive as they were sent, by HTTP/1.1 and 1.0",
        arguments: ["1.1", "1.0"])
    func payloads(version: String) async throws {
        try await withNode { node in
            let events = try await StreamClient.connect(node.port, "/channels/a/sse", version: version)
            let lines = try await node.lines("a", version: version)
            for client in [events, lines] {
                #expect(client.answer.status == 200 && client.answer["fanfare-node"] == "node")
                #expect(client.answer["cache-control"] == "no-cache, no-transform")
                #expect(client.answer["x-accel-buffering"] == "no" && client.answer["content-length"] == nil)
                #expect(client.answer["transfer-encoding"] == (version == "1.1" ? "chunked" : nil))
                #expect(client.answer["fanfare-position"] == nil, "the channel has no history")
            }
            #expect(events.answer["content-type"] == "text/event-stream")
            #expect(lines.answer["content-type"] == "application/x-ndjson")
            try await publishAll(node, "a")
            for event in Self.events { #expect(try await events.next() == event) }
            for line in Self.lines { #expect(try await lines.nextLine() == line) }
            #expect(events.lastEventID.isEmpty && events.chunks?.problem == nil)
            let retry = try #require(events.reconnectionTime, "when to come back is said at the beginning")
            #expect((1_000...3_000).contains(retry))
            for client in [events, lines] { await client.close() }
        }
    }

    @Test("the same over TLS of the node, a payload of many records among it")
    func overTLS() async throws {
        try await withTLSNode { server in
            let events = try await server.node.events("a", tls: server.tls)
            #expect(events.answer.status == 200)
            let publisher = try await server.raw("a")
            let long = String(repeating: "abcdefgh", count: 7_000)
            try await publisher.send(long)
            #expect(try await events.nextText() == long)
            try await publisher.send("end")
            #expect(try await events.nextText() == "end")
            server.node.terminate()
            let last = try await events.next()
            #expect(last?.type == "disconnect")
            try await events.readToEnd()
            #expect(events.chunks?.hasEnded == true && events.socket.endedCleanly)
            await publisher.close()
        }
    }

    @Test("what POST, the server API and a Centrifuge client publish arrives, too, in one order on all transports")
    func everyWayIn() async throws {
        try await withNode { node in
            let (events, lines) = try await (node.events("a"), node.lines("a"))
            let socket = try await node.raw("a")
            let centrifuge = try await node.centrifuge()
            for number in 0..<20 {
                switch number % 3 {
                case 0: #expect(try await HTTP.post(node.port, "/channels/a", "\(number)").status == 200)
                case 1: try await node.publish("a", "\(number)")
                default: try await centrifuge.publish("a", "\(number)")
                }
            }
            for number in 0..<20 {
                #expect(try await events.nextText() == "\(number)")
                #expect(try await lines.nextLine() == "{\"data\":\(number)}")
                #expect(try await socket.nextText() == "\(number)")
            }
            for client in [events, lines] { await client.close() }
            await socket.close()
            await centrifuge.close()
        }
    }

    @Test("pings come on the interval, and who can't answer them stays")
    func pings() async throws {
        let flags = ["--ping-interval", "300ms", "--pong-timeout", "100ms"]
        try await withNode(flags: flags) { node in
            let (events, lines) = try await (node.events("a"), node.lines("a"))
            let bare = try await StreamClient.connect(node.port, "/channels/a/sse", version: "1.0")
            for client in [events, lines, bare] { try await client.read { $0.pings >= 5 } }
            try await node.publish("a", #""still here""#)
            #expect(try await events.nextText() == #""still here""#)
            #expect(try await bare.nextText() == #""still here""#)
            #expect(try await lines.nextLine() == #"{"data":"still here"}"#)
            #expect(try await node.metric("fanfare_connections") == 3)
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3012"}"#) == 0)
            for client in [events, lines, bare] { await client.close() }
        }
    }

    @Test("stream clients count as connections, subscriptions, deliveries and, when they go, as 1006; nothing is left")
    func metrics() async throws {
        try await withNode(flags: ["--ping-interval", "off"]) { node in
            let files = try await node.metric("process_open_fds")
            let (events, lines) = try await (node.events("a"), node.lines("b"))
            // The head of an answer leaves a moment before its client is counted.
            for name in ["connections", "subscriptions", "connections_accepted_total"] {
                try await eventually("\(name) is 2") { try await node.metric("fanfare_\(name)") == 2 }
            }
            #expect(try await node.metric("fanfare_pending_connections") == 0)
            for channel in ["a", "b", "nobody"] { try await node.publish(channel, "1") }
            #expect(try await events.nextText() == "1")
            #expect(try await lines.nextLine() == #"{"data":1}"#)
            try await eventually("both count") { try await node.metric("fanfare_deliveries_total") == 2 }
            await events.close()
            await lines.socket.reset()
            try await eventually("both are gone") {
                try await node.metric(#"fanfare_disconnects_total{code="1006"}"#) == 2
            }
            for name in ["connections", "subscriptions", "channels", "queue_bytes", "pending_connections"] {
                try await eventually("\(name) is 0") { try await node.metric("fanfare_\(name)") == 0 }
            }
            try await eventually("no descriptor is left") { try await node.metric("process_open_fds") <= files }
        }
    }

    @Test("members of a channel that keeps them are stream clients, too")
    func presence() async throws {
        try await withNode(flags: ["--namespaces", "room: presence"]) { node in
            let (events, lines) = try await (node.events("room:1"), node.lines("room:1"))
            try await eventually("both are there") { try await node.members("room:1").count == 2 }
            await events.close()
            try await eventually("one is there") { try await node.members("room:1").count == 1 }
            await lines.close()
            try await eventually("nobody is there") { try await node.members("room:1").isEmpty }
        }
    }
}
