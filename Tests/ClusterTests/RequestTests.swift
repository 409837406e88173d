import FanfareTestKit
import Testing

/// Requests from the bug reports of other servers, byte by byte over a socket; the rules are in `RequestCheckTests`.
@Suite("Cluster: requests", .serialized)
struct RequestTests {
    /// Sends bytes and gives all that comes until the node ends the connection.
    private func all(_ port: Int, _ text: String) async throws -> String {
        let client = try await SocketClient.connect(port)
        try await client.send(text)
        try await eventually("the node ends the connection after \(text.prefix(60))") { client.isClosed }
        let all = try await client.receive("everything") { bytes in bytes.readString(length: bytes.readableBytes) }
        await client.close()
        return all ?? ""
    }

    private func status(_ text: String) -> String { String(text.dropFirst(9).prefix(3)) }

    @Test("what is wrong in a head is answered with the status for it, and the connection ends")
    func heads() async throws {
        try await withNode { node in
            let listener = try await node.raw("a")
            for (request, expected) in [
                ("GET / HTTP/1.1\r\nHost: a b@c/../\r\n\r\n", "400"),
                ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
                (
                    "POST /channels/a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
                    "400"
                ),
                (
                    "POST /channels/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
                    "501"
                ),
                ("POST /channels/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nx", "400"),
                ("POST /channels/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\nx", "413"),
                ("POST /channels/a HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\nx", "413"),
                ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\nx", "413"),
                ("POST /channels/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Encoding: gzip\r\n\r\nx", "415"),
                ("POST /channels/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 200-ok\r\n\r\nx", "417"),
            ] {
                let answer = try await all(node.port, request)
                #expect(status(answer) == expected, "\(request.prefix(80)): \(answer.prefix(200))")
                #expect(answer.lowercased().contains("\r\nconnection: close\r\n"))
            }
            try await listener.send("on")
            #expect(try await listener.nextText() == "on", "nothing was published")
        }
    }

    @Test("a body that goes on and on is cut at the limit, also where nobody asked for one")
    func endlessBody() async throws {
        try await withNode(flags: ["--max-message-bytes", "1000"]) { node in
            for line in ["GET /", "POST /channels/a", "POST /nothing"] {
                let client = try await SocketClient.connect(node.port)
                try await client.send("\(line) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                client.sendLater(.init(string: "400\r\n" + String(repeating: "x", count: 1_024) + "\r\n"))
                let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
                #expect(answer?.status == 413, "\(line)")
                await client.close()
            }
        }
    }

    @Test(
        "a HEAD gets no body, whatever the answer is",
        arguments: ["/nothing", "/channels/a", "/channels/a%20b/ws", "/"])
    func headRequests(path: String) async throws {
        try await withNode { node in
            for port in [node.port, node.adminPort] {
                let host = "Host: localhost\r\nConnection: close\r\n"
                let answer = try await all(port, "HEAD \(path) HTTP/1.1\r\n\(host)\r\n")
                #expect(answer.hasSuffix("\r\n\r\n") && answer.lowercased().contains("content-length: "), "\(answer)")
                #expect(answer.components(separated: "\r\n\r\n") == 2)
            }
            let foreign = "Host: localhost\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n"
            let refused = try await all(node.adminPort, "HEAD /metrics HTTP/1.1\r\n" + foreign)
            #expect(status(refused) == "403" && refused.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("a client that waits for 100 gets it where its body is read, and the answer at once where not")
    func expectContinue() async throws {
        try await withNode(flags: ["--max-message-bytes", "1000", "--max-api-body-bytes", "2000"]) { node in
            let listener = try await node.raw("a")
            let publish = #"{"channel":"a","data":"api"}"#
            for (port, target, body, heard) in [
                (node.port, "/channels/a", "http", "http"), (node.adminPort, "/api/publish", publish, #""api""#),
            ] {
                let client = try await SocketClient.connect(port)
                for _ in 0..<2 {
                    try await client.send(
                        "POST \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            + "Expect: 100-continue\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
                    let first = try await client.receive("100") { HTTPAnswer.parse(&$0) }
                    #expect(first?.status == 100)
                    try await client.send(body)
                    let second = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
                    #expect(second?.status == 200, "\(target): \(second?.body ?? "")")
                    #expect(try await listener.nextText() == heard)
                }
                await client.close()
            }
            for (port, line, fields, expected) in [
                (node.port, "POST /nothing", "Content-Length: 5", "404"),
                (node.port, "PUT /", "Content-Length: 5", "405"),
                (node.port, "POST /channels/a", "Content-Length: 1001", "413"),
                (node.port, "GET /", "Content-Length: 5", "200"),
                (node.port, "GET /connection/websocket", "Content-Length: 5", "417"),
                (node.adminPort, "POST /nothing", "Content-Length: 5", "404"),
                (node.adminPort, "POST /api/publish", "Content-Length: 2001\r\nContent-Type: application/json", "413"),
                (node.adminPort, "POST /api/publish", "Content-Length: 5", "415"),
                (node.adminPort, "POST /api/publish", "Content-Length: 5\r\nOrigin: null", "403"),
            ] {
                let answer = try await all(
                    port, "\(line) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\nExpect: 100-continue\r\n\r\n")
                #expect(status(answer) == expected, "\(line) \(fields): \(answer.prefix(100))")
                #expect(answer.lowercased().contains("\r\nconnection: close\r\n"), "\(line) \(fields)")
            }
        }
    }

    @Test("the admin port checks heads like the public one")
    func adminHeads() async throws {
        try await withNode { node in
            for (fields, expected) in [
                ("Host: a b@c/../", "400"), ("Host: localhost\r\nTransfer-Encoding: gzip, chunked", "501"),
                ("Host: localhost\r\nExpect: 200-ok", "417"), ("Host: localhost\r\nHost: localhost", "400"),
            ] {
                let answer = try await all(
                    node.adminPort, "POST /api/publish HTTP/1.1\r\n\(fields)\r\nContent-Type: application/json\r\n\r\n")
                #expect(status(answer) == expected && answer.contains(#"{"error":{"code":107"#), "\(fields): \(answer)")
            }
        }
    }

    @Test(
        "a page of http:// at the same host is from elsewhere where a trusted proxy says that the client came over TLS")
    func forwardedProto() async throws {
        let upgrade =
            "GET /channels/a/ws HTTP/1.1\r\nHost: own.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        for (source, fields) in [
            (
                "x-forwarded-for",
                ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http, HTTPS", "X-Forwarded-Proto: wss"]
            ),
            ("forwarded", ["Forwarded: for=192.0.2.1;proto=https", "Forwarded: for=192.0.2.1;Proto=\"https\";host=a"]),
        ] {
            try await withNode(flags: ["--anonymous", "publish", "--client-address", source], dev: false) { node in
                var cases: [(String, String, Int)] = fields.flatMap { [($0, "http", 403), ($0, "https", 101)] }
                cases += [("X-Forwarded-Proto: http", "http", 101), ("X-Forwarded-Proto: http", "https", 101)]
                for (field, scheme, expected) in cases {
                    let client = try await SocketClient.connect(node.port)
                    try await client.send(upgrade + "\(field)\r\nOrigin: \(scheme)://own.example\r\n\r\n")
                    let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
                    #expect(answer?.status == expected, "\(field) \(scheme)")
                    await client.close()
                }
            }
        }
    }
}

extension String {
    /// Into how many parts a separator takes a text.
    fileprivate func components(separated by: String) -> Int {
        split(separator: by, omittingEmptySubsequences: false).count
    }
}
