import FanfareTestKit
import Testing

@Suite("Cluster: origins")
struct OriginTests {
    private func status(_ node: Node, _ request: String, origin: String?) async throws -> Int? {
        let client = try await SocketClient.connect(node.port)
        let field = origin.map { "Origin: \($0)\r\n" } ?? ""
        try await client.send("\(request) HTTP/1.1\r\nHost: own.example:81\r\n\(field)\(Self.fields)\r\n\r\n")
        let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
        await client.close()
        return answer?.status
    }

    private static let fields =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

    private static let requests = ["GET /connection/websocket", "GET /channels/a/ws"]

    @Test("pages from elsewhere get 403 and are counted, the node's own and programs come in, a neighbour hears on")
    func sameHost() async throws {
        let flags = ["--anonymous", "publish", "--allowed-origins", "https://*.friend.example,same-host"]
        try await withNode(flags: flags, dev: false) { node in
            let neighbour = try await node.raw("a")
            for request in Self.requests {
                #expect(try await status(node, request, origin: "http://evil.example") == 403)
                #expect(try await status(node, request, origin: "null") == 403)
                #expect(try await status(node, request, origin: "http://own.example:81") == 101)
                #expect(try await status(node, request, origin: "https://a.friend.example") == 101)
                #expect(try await status(node, request, origin: nil) == 101)
            }
            // A form on any page can send this one.
            #expect(try await status(node, "POST /channels/a", origin: "http://evil.example") == 403)
            #expect(try await status(node, "GET /", origin: "http://evil.example") == 200)
            let counter = #"fanfare_connections_refused_total{reason="origin"}"#
            try await eventually("they are counted") { try await node.metric(counter) == 5 }
            try await neighbour.send("on")
            #expect(try await neighbour.nextText() == "on")
        }
    }

    @Test("for a first try, with --dev, every page may come, unless some are listed")
    func dev() async throws {
        try await withNode { node in
            let own = try await status(node, Self.requests[0], origin: "http://localhost:3000")
            #expect(own == 101)
        }
        try await withNode(flags: ["--allowed-origins", "http://localhost:3000"]) { node in
            let listed = try await status(node, Self.requests[0], origin: "http://localhost:3000")
            let other = try await status(node, Self.requests[0], origin: "http://localhost:3001")
            #expect(listed == 101 && other == 403)
        }
    }
}
