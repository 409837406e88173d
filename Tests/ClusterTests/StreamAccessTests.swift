import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// Who may read a stream, and how it is said that one may not.
@Suite("Cluster: who may read streams", .serialized)
struct StreamAccessTests {
    private func answer(
        _ node: Node, _ path: String, _ headers: [String: String] = [:], method: String = "GET"
    ) async throws -> HTTPAnswer {
        let client = try await StreamClient.connect(node.port, path, headers: headers, method: method)
        await client.close()
        return client.answer
    }

    @Test("a token is taken from Authorization, from a cookie and, where that is on, from the query")
    func tokens() async throws {
        let token = try await TestTokens.make(#"{"sub":"42"}"#)
        let flags = [
            "--token-cookie", "session", "--token-in-query", "--namespaces", "room: presence; *: publish=nobody",
        ]
        try await TestTokens.withNode(flags: flags) { node in
            for (path, headers) in [
                ("/channels/room:a/sse", ["Authorization": "Bearer \(token)"]),
                ("/channels/room:a/sse", ["Cookie": "a=b; session=\(token)"]),
                ("/channels/room:a/sse?token=\(token)", [:]), ("/channels/room:a/stream?token=\(token)", [:]),
            ] {
                let client = try await StreamClient.connect(node.port, path, headers: headers)
                #expect(client.answer.status == 200, "\(path) \(headers.keys)")
                #expect(!client.answer.headers.contains { $0.value.contains(token) })
                try await eventually("it is there as its user") {
                    try await HTTP.post(node.adminPort, "/api/presence", #"{"channel":"room:a"}"#).body
                        .contains(#""user":"42""#)
                }
                await client.close()
                try await eventually("it is gone") { try await node.members("room:a").isEmpty }
            }
        }
    }

    @Test("401, 403, 404 and 400 are said as such, for a browser that must not come back like this")
    func refusals() async throws {
        let token = try await TestTokens.make(#"{"sub":"42"}"#)
        let bearer = ["Authorization": "Bearer \(token)"]
        let expired = try await TestTokens.make(#"{"sub":"42","exp":\#(TestTokens.time(in: -60))}"#)
        try await TestTokens.withNode(flags: ["--namespaces", "chat: history=5/1m"]) { node in
            for form in ["sse", "stream"] {
                for (channel, headers, status) in [
                    ("a", [:], 401), ("a", ["Authorization": "Bearer x"], 401),
                    ("a", ["Authorization": "Bearer \(expired)"], 401), ("$private", bearer, 403),
                    ("a%2343", bearer, 403),
                    ("nowhere:a", bearer, 404), ("a%20b", bearer, 400), ("a%2342", bearer, 200), ("a", bearer, 200),
                ] {
                    let answer = try await answer(node, "/channels/\(channel)/\(form)", headers)
                    #expect(answer.status == status, "\(channel)/\(form): \(answer.body)")
                    if status != 200 { #expect(answer["content-type"] == "text/plain; charset=utf-8") }
                }
            }
        }
    }

    @Test("a reader whose token expires is told 3005 and ends, and may not come back with it")
    func expiry() async throws {
        try await TestTokens.withNode(flags: ["--token-leeway", "0"]) { node in
            let token = try await TestTokens.make(#"{"sub":"42","exp":\#(TestTokens.time(in: 8))}"#)
            let events = try await node.events("a", headers: ["Authorization": "Bearer \(token)"])
            let last = try await events.next()
            #expect(last?.type == "disconnect" && last?.data.string.hasPrefix(#"{"code":3005,"#) == true)
            try await events.readToEnd()
            #expect(events.chunks?.hasEnded == true)
            let again = try await answer(node, "/channels/a/sse", ["Authorization": "Bearer \(token)"])
            #expect(again.status == 401)
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3005"}"#) == 1)
        }
    }

    @Test("other methods get 405 with those that there are, HEAD without a body; OPTIONS tells them")
    func methods() async throws {
        try await withNode { node in
            for path in ["/channels/a/sse", "/channels/a/stream"] {
                for method in ["POST", "PUT", "DELETE"] {
                    let refused = try await answer(node, path, ["Content-Length": "0"], method: method)
                    #expect(refused.status == 405 && refused["allow"] == "GET, OPTIONS", "\(method) \(path)")
                }
                let head = try await SocketClient.connect(node.port)
                try await head.send("HEAD \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                let text = try await head.receive("a head") { bytes -> String? in
                    let text = String(buffer: bytes)
                    guard text.contains("\r\n\r\n") else { return nil }
                    bytes.clear()
                    return text
                }
                #expect(text?.hasPrefix("HTTP/1.1 405") == true && text?.hasSuffix("\r\n\r\n") == true, "\(text ?? "")")
                let body = try await head.receive("the end") { $0.readableBytes > 0 ? String(buffer: $0) : nil }
                #expect(body == nil)
                await head.close()
                let options = try await answer(node, path, method: "OPTIONS")
                #expect(options.status == 204 && options["allow"] == "GET, OPTIONS")
            }
            #expect(try await node.metric("fanfare_connections_accepted_total") == 0)
        }
    }

    @Test("a listed page reads a stream, its position and when to come back, another gets 403")
    func pages() async throws {
        let flags = [
            "--anonymous", "subscribe", "--allowed-origins", "https://friend.example", "--namespaces",
            "chat: history=5/1m", "--max-connections", "1",
        ]
        try await withNode(flags: flags, dev: false) { node in
            let page = ["Origin": "https://friend.example"]
            let events = try await node.events("chat:a", headers: page)
            let refused = try await answer(node, "/channels/chat:a/sse", page)
            #expect(
                refused.status == 200 && refused.body.contains("retry: "), "a page that can't read it never comes back")
            for answer in [events.answer, refused] {
                #expect(answer["access-control-allow-origin"] == "https://friend.example")
                #expect(answer["access-control-allow-credentials"] == "true" && answer["vary"] == "Origin")
                #expect(answer["access-control-expose-headers"]?.contains("fanfare-position") == true)
            }
            #expect(events.answer["fanfare-position"] != nil)
            let other = try await answer(node, "/channels/chat:a/sse", ["Origin": "https://evil.example"])
            #expect(other.status == 403 && other["access-control-allow-origin"] == nil)
            let preflight = try await answer(
                node, "/channels/chat:a/sse",
                page.merging([
                    "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "last-event-id",
                ]) { $1 }, method: "OPTIONS")
            #expect(preflight.status == 204 && preflight["access-control-allow-methods"] == "GET")
            #expect(preflight["access-control-allow-headers"]?.contains("last-event-id") == true)
            await events.close()
        }
    }
}
