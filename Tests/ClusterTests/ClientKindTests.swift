import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// What kinds of clients a node says that it has.
@Suite("Cluster: clients by protocol and transport")
struct ClientKindTests {
    /// A kind of client, and how one is opened.
    struct Kind: Sendable, CustomStringConvertible {
        let name: String
        let transport: String
        /// Opens one, which stays for as long as the sockets are open.
        let open: @Sendable (_ port: Int) async throws -> [SocketClient]

        init(_ name: String, _ transport: String, _ open: @escaping @Sendable (Int) async throws -> [SocketClient]) {
            (self.name, self.transport, self.open) = (name, transport, open)
        }

        var description: String { "\(name) over \(transport)" }
    }

    private static let served: [Kind] =
        [
            Kind("raw", "websocket") { [try await upgrade($0, "/channels/a/ws")] },
            Kind("raw", "sse") { [try await get($0, "/channels/a/sse")] },
            Kind("raw", "sse") { [try await get($0, "/channels/a/sse?channel=b")] },
            Kind("raw", "http_stream") { [try await get($0, "/channels/a/stream")] },
            Kind("raw", "poll") { [try await get($0, "/channels/a/poll")] },
            Kind("centrifuge_json", "websocket") { [try await upgrade($0, "/connection/websocket")] },
            Kind("centrifuge_json", "sse") { [try await get($0, "/connection/sse?cf_connect=\(query)")] },
            Kind("centrifuge_json", "http_stream") { [try await post($0, "/connection/http_stream", first)] },
            Kind("centrifuge_protobuf", "websocket") {
                [try await upgrade($0, "/connection/websocket?cf_protocol=protobuf")]
            },
            Kind("centrifuge_protobuf", "http_stream") {
                // A command behind its length: id 1, an empty `connect`.
                let command = ByteBuffer(bytes: [4, 8, 1, 0x22, 0])
                let socket = try await post(
                    $0, "/connection/http_stream", "", "Content-Type: application/octet-stream\r\n", length: 5)
                try await socket.send(command)
                return [socket]
            },
            Kind("centrifuge_uni", "websocket") {
                [try await upgrade($0, "/connection/uni_websocket?cf_connect=%7B%7D")]
            },
            Kind("centrifuge_uni", "sse") { [try await get($0, "/connection/uni_sse")] },
            Kind("centrifuge_uni", "http_stream") { [try await post($0, "/connection/uni_http_stream", "{}")] },
            Kind("stomp", "websocket") { [try await upgrade($0, "/stomp")] },
            Kind("mqtt", "websocket") { [try await upgrade($0, "/mqtt", subprotocol: "mqtt")] },
            Kind("graphql", "websocket") { [try await upgrade($0, "/graphql", subprotocol: "graphql-transport-ws")] },
            Kind("socketio", "engineio_websocket") {
                [try await upgrade($0, "/socket.io/?EIO=4&transport=websocket")]
            },
            Kind("socketio", "engineio_polling") { port in
                try await polling(port, path: "/socket.io/")
            },
        ] + sockJS("raw", "/sockjs/channels/a") + sockJS("centrifuge_json", "/sockjs/centrifuge")

    private static let echoed: [Kind] =
        [
            Kind("echo", "websocket") { [try await upgrade($0, "/ws")] },
            Kind("echo", "engineio_websocket") {
                [try await upgrade($0, "/engine.io/?EIO=4&transport=websocket")]
            },
            Kind("echo", "engineio_polling") { port in try await polling(port, path: "/engine.io/") },
        ] + sockJS("echo", "/echo")

    private static let first = #"{"id":1,"connect":{}}"#
    private static let query = "%7B%22id%22%3A1%2C%22connect%22%3A%7B%7D%7D"

    /// Each way to receive what a session of SockJS says; those that answer once ask twice, and the second waits.
    private static func sockJS(_ name: String, _ place: String) -> [Kind] {
        @Sendable func path(_ transport: String) -> String { "\(place)/000/\(SockJSClient.newID())/\(transport)" }
        return [
            Kind(name, "sockjs_websocket") { [try await upgrade($0, path("websocket"))] },
            Kind(name, "sockjs_xhr") { port in
                let path = path("xhr")
                return [try await answered(post(port, path, "")), try await post(port, path, "")]
            },
            Kind(name, "sockjs_xhr_streaming") { [try await post($0, path("xhr_streaming"), "")] },
            Kind(name, "sockjs_eventsource") { [try await get($0, path("eventsource"))] },
            Kind(name, "sockjs_htmlfile") { [try await get($0, path("htmlfile?c=f"))] },
            Kind(name, "sockjs_jsonp") { port in
                let path = path("jsonp?c=f")
                return [try await answered(get(port, path)), try await get(port, path)]
            },
        ]
    }

    // MARK: Requests that stay

    private static func get(_ port: Int, _ path: String, _ fields: String = "") async throws -> SocketClient {
        let socket = try await SocketClient.connect(port)
        try await socket.send("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(fields)\r\n")
        return socket
    }

    private static func post(
        _ port: Int, _ path: String, _ body: String, _ fields: String = "", length: Int? = nil
    ) async throws -> SocketClient {
        let socket = try await SocketClient.connect(port)
        let length = length ?? body.utf8.count
        try await socket.send(
            "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Length: \(length)\r\n\(fields)\r\n\(body)")
        return socket
    }

    private static func upgrade(_ port: Int, _ path: String, subprotocol: String? = nil) async throws -> SocketClient {
        let socket = try await get(
            port, path,
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                + (subprotocol.map { "Sec-WebSocket-Protocol: \($0)\r\n" } ?? ""))
        let answer = try await socket.nextAnswer()
        guard answer.status == 101 else { throw NotInTime(what: "101 from \(path); got \(answer)") }
        return socket
    }

    private static func answered(_ socket: SocketClient) async throws -> SocketClient {
        let answer = try await socket.nextAnswer()
        guard answer.status == 200 else { throw NotInTime(what: "200; got \(answer)") }
        return socket
    }

    private static func polling(_ port: Int, path: String) async throws -> [SocketClient] {
        let client = try await EngineIOClient.open(port, path: path)
        return [try await client.pending(port)]
    }

    // MARK: Counting

    private func count(_ name: String, _ transport: String, _ node: Node) async throws -> Double {
        try await node.metric("fanfare_clients{protocol=\"\(name)\",transport=\"\(transport)\"}")
    }

    /// All kinds of which there is a client.
    private func kinds(_ node: Node) async throws -> [String: Int] {
        let text = try await HTTP.get(node.adminPort, "/metrics").body
        var found: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            guard let match = line.firstMatch(of: /^fanfare_clients{protocol="(\w+)",transport="(\w+)"} (\d+)$/),
                let count = Int(match.3), count > 0
            else { continue }
            found["\(match.1) over \(match.2)"] = count
        }
        return found
    }

    private func with(_ node: Node, _ body: (Node) async throws -> Void) async throws {
        do { try await body(node) } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    private func check(_ kinds: [Kind], of node: Node) async throws {
        for kind in kinds {
            let sockets = try await kind.open(node.port)
            try await eventually("one client, \(kind)") { try await self.kinds(node) == ["\(kind)": 1] }
            #expect(try await node.metric("fanfare_connections") == 1)
            for socket in sockets { await socket.close() }
            try await eventually("none, \(kind)") { try await self.kinds(node).isEmpty }
        }
    }

    @Test("each kind of client is counted as what it is, and not any more when it has gone")
    func all() async throws {
        try await with(try await Node.start()) { try await check(Self.served, of: $0) }
        let echo = try await Node.start(command: "echo", flags: ["--sockjs"])
        try await with(echo) { try await check(Self.echoed, of: $0) }
    }

    @Test("a client that moves from polling to a WebSocket is counted there")
    func upgrade() async throws {
        try await with(try await Node.start()) { node in
            let client = try await EngineIOClient.open(node.port, path: "/socket.io/")
            #expect(try await kinds(node) == ["socketio over engineio_polling": 1])
            let socket = try await client.probed(node.port)
            #expect(try await kinds(node) == ["socketio over engineio_polling": 1], "it has not moved yet")
            try await socket.send("5")
            try await eventually("it has moved") {
                try await self.kinds(node) == ["socketio over engineio_websocket": 1]
            }
            await socket.close()
            try await eventually("it is gone") { try await self.kinds(node).isEmpty }
            #expect(try await node.metric("fanfare_connections") == 0)
        }
    }

    @Test("what is kept for a poller between two polls is a client of its own")
    func cursor() async throws {
        try await with(try await Node.start(flags: ["--poll-gap", "2s"])) { node in
            try await eventually("a cursor") {
                _ = try await HTTP.get(node.port, "/channels/a/poll?cursor=new&wait=0")
                return try await count("raw", "poll_cursor", node) >= 1
            }
            try await eventually("none") { try await self.kinds(node).isEmpty }
        }
    }
}
