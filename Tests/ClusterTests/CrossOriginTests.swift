import FanfareTestKit
import Testing

/// What pages of other origins may do over HTTP, as browsers ask for it.
@Suite("Cluster: pages of other origins", .serialized)
struct CrossOriginTests {
    private func ask(
        _ client: SocketClient, _ line: String, origin: String?, _ fields: String = "", body: String = ""
    ) async throws -> HTTPAnswer {
        let origin = origin.map { "Origin: \($0)\r\n" } ?? ""
        let length = line.hasPrefix("POST") ? "Content-Length: \(body.utf8.count)\r\n" : ""
        try await client.send("\(line) HTTP/1.1\r\nHost: own.example\r\n\(origin)\(fields)\(length)\r\n\(body)")
        return try #require(try await client.receive("an answer to \(line)") { HTTPAnswer.parse(&$0) })
    }

    private static let preflight =
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n"

    private func withClient(
        _ node: Node, _ body: (SocketClient) async throws -> Void
    ) async throws {
        let client = try await SocketClient.connect(node.port)
        try await body(client)
        await client.close()
    }

    @Test("a listed page may ask, send and read; the answers name it and nobody else")
    func listed() async throws {
        let flags = [
            "--anonymous", "publish", "--allowed-origins",
            "https://*.friend.example,null,capacitor://localhost,same-host",
        ]
        try await withNode(flags: flags, dev: false) { node in
            let cases = [
                ("https://a.friend.example", "true"), ("capacitor://localhost", "true"),
                ("http://own.example", "true"), ("null", nil),
            ]
            for (origin, credentials) in cases {
                try await withClient(node) { client in
                    let asked = try await ask(client, "OPTIONS /channels/c", origin: origin, Self.preflight)
                    #expect(asked.status == 204 && asked.body.isEmpty && asked["content-length"] == nil)
                    #expect(asked["access-control-allow-methods"] == "POST")
                    #expect(
                        asked["access-control-allow-headers"]
                            == "authorization, content-type, if-none-match, last-event-id")
                    #expect(asked["access-control-max-age"] == "7200")
                    // On the same connection, as a browser does it.
                    let sent = try await ask(client, "POST /channels/c", origin: origin, body: "x")
                    let refused = try await ask(client, "POST /channels/a%20b", origin: origin, body: "x")
                    #expect(sent.status == 200 && refused.status == 400)
                    for answer in [asked, sent, refused] {
                        #expect(answer["access-control-allow-origin"] == origin)
                        #expect(answer["access-control-allow-credentials"] == credentials)
                        #expect(answer["vary"] == "Origin" && answer["fanfare-node"] != nil)
                    }
                    #expect(
                        sent["access-control-expose-headers"]
                            == "retry-after, etag, fanfare-cursor, fanfare-node, fanfare-outcome, fanfare-position")
                }
            }
        }
    }

    @Test("other pages get 403 and no word about who may; programs are told nothing of pages")
    func others() async throws {
        try await withNode(flags: ["--allowed-origins", "https://friend.example"]) { node in
            let listener = try await node.raw("c")
            for origin in ["https://evil.example", "null", "http://own.example", "https://friend.example.evil"] {
                for (line, fields) in [("OPTIONS /channels/c", Self.preflight), ("POST /channels/c", "")] {
                    try await withClient(node) { client in
                        let answer = try await ask(client, line, origin: origin, fields)
                        #expect(answer.status == 403, "\(line) from \(origin)")
                        #expect(!answer.headers.contains { $0.name.hasPrefix("access-control-") })
                    }
                }
            }
            try await withClient(node) { client in
                let answer = try await ask(client, "POST /channels/c", origin: nil, body: "on")
                #expect(answer.status == 200 && answer["vary"] == "Origin")
                #expect(!answer.headers.contains { $0.name.hasPrefix("access-control-") })
            }
            #expect(try await listener.nextText() == "on")
        }
    }

    @Test("where every page may come, none may read what a user's cookies bring")
    func every() async throws {
        try await withNode { node in
            try await withClient(node) { client in
                let answer = try await ask(client, "POST /channels/c", origin: "http://localhost:3000", body: "x")
                #expect(answer["access-control-allow-origin"] == "http://localhost:3000")
                #expect(answer["access-control-allow-credentials"] == nil && answer["vary"] == "Origin")
                let page = try await ask(client, "GET /", origin: "http://localhost:3000")
                #expect(page.status == 200 && page["access-control-allow-origin"] == "http://localhost:3000")
            }
        }
    }

    @Test("a refusal for a while can be read by the page that may come back")
    func retryAfter() async throws {
        let flags = ["--max-publish-rate", "1", "--trusted-proxies", "none"]
        try await withNode(flags: flags) { node in
            try await withClient(node) { client in
                var answer = try await ask(client, "POST /channels/c", origin: "http://a.example", body: "x")
                for _ in 0..<1_000 where answer.status == 200 {
                    answer = try await ask(client, "POST /channels/c", origin: "http://a.example", body: "x")
                }
                #expect(answer.status == 429 && answer["retry-after"] != nil)
                #expect(answer["access-control-allow-origin"] == "http://a.example")
                #expect(answer["access-control-expose-headers"]?.contains("retry-after") == true)
            }
        }
    }

    @Test("OPTIONS tells the methods of a path, and 405 and a preflight tell the same")
    func options() async throws {
        try await withNode { node in
            try await withClient(node) { client in
                for (path, methods) in [
                    ("/", "GET, HEAD, OPTIONS"), ("/connection/websocket", "GET, OPTIONS"),
                    ("/channels/c/ws?x=1", "GET, OPTIONS"), ("/channels/c", "POST, OPTIONS"),
                    ("*", "GET, HEAD, POST, OPTIONS"),
                ] {
                    let answer = try await ask(client, "OPTIONS \(path)", origin: nil)
                    #expect(answer.status == 204 && answer["allow"] == methods, "\(path)")
                    #expect(answer["access-control-allow-methods"] == nil)
                }
                let refused = try await ask(client, "DELETE /channels/c", origin: nil)
                #expect(refused.status == 405 && refused["allow"] == "POST, OPTIONS")
            }
            try await withClient(node) { client in
                let nothing = try await ask(client, "OPTIONS /nothing", origin: nil)
                #expect(nothing.status == 404)
            }
        }
    }
}
