import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// Clients that only hear: pushes of the Centrifuge protocol for the channels that their token names.
@Suite("Cluster: clients that only hear", .serialized)
struct UnidirectionalTests {
    private static let flags = [
        "--namespaces", "news: history=10/1h recovery join-leave presence publish=clients", "--ping-interval", "1s",
        "--pong-timeout", "700ms",
    ]

    private func request(_ claims: String, _ more: String = "") async throws -> String {
        #"{"token":"\#(try await TestTokens.make(claims))"\#(more)}"#
    }

    private static let claims = #"{"sub":"42","subs":{"news:a":{},"plain":{}}}"#

    @Test("the connect push comes first, then publications, joins and pings, as events and as lines")
    func streams() async throws {
        try await TestTokens.withNode(flags: Self.flags) { node in
            for form in EmulatedClient.Form.allCases {
                let client = try await EmulatedClient.open(
                    node.port, form, first: try await request(Self.claims), prefix: "uni_")
                let first = try await client.read()
                #expect(first.text.hasPrefix(#"{"connect":{"client":""#), "\(first.text)")
                #expect(first.text.contains(#""subs":{"#) && first.text.contains(#""plain":{}"#))
                #expect(!first.text.contains("pong") && !first.text.contains("session"))
                #expect(first.text.contains(#""news:a":{"positioned":true,"#))
                try await node.publish("plain", "[1]")
                let texts = [try await client.read().text, try await client.read().text].sorted()
                #expect(texts[1] == #"{"channel":"plain","pub":{"data":[1]}}"#)
                #expect(texts[0].hasPrefix(#"{"channel":"news:a","join":{"info":{"user":"42""#))
                try await eventually("it is pinged") { try await node.metric("fanfare_pings_sent_total") >= 1 }
                try await node.publish("plain", "[2]")
                #expect(try await client.read().text == #"{"channel":"plain","pub":{"data":[2]}}"#)
                await client.close()
                try await eventually("it is gone") { try await node.members("news:a").isEmpty }
            }
        }
    }

    @Test("it comes back where it was with the positions in its request")
    func recovery() async throws {
        try await TestTokens.withNode(flags: Self.flags) { node in
            let claims = #"{"sub":"42","subs":{"news:a":{}}}"#
            let first = try await EmulatedClient.open(
                node.port, .lines, first: try await request(claims), prefix: "uni_")
            let text = try await first.read().text
            let epoch = try #require(text.firstMatch(of: /"epoch":"([a-z0-9]+)"/)?.1)
            await first.close()
            for number in 1...3 { try await node.publish("news:a", "\(number)") }
            let subs = #","subs":{"news:a":{"recover":true,"offset":1,"epoch":"\#(epoch)"}}"#
            let second = try await EmulatedClient.open(
                node.port, .events, first: try await request(claims, subs), prefix: "uni_")
            let back = try await second.read().text
            #expect(back.contains(#""recovered":true,"publications":[{"data":2,"offset":2},{"data":3,"offset":3}]"#))
            await second.close()
        }
    }

    @Test("on a WebSocket the first message is the connect request, the others are not heeded, and pongs keep it open")
    func webSocket() async throws {
        try await TestTokens.withNode(flags: ["--ping-interval", "5s", "--pong-timeout", "4900ms"]) { node in
            let client = try await WebSocketClient.connect(node.port, "/connection/uni_websocket")
            try await client.send(try await request(#"{"sub":"42","subs":{"plain":{}}}"#))
            let first = try await client.nextText()
            #expect(first.hasPrefix(#"{"connect":{"client":""#) && first.contains(#""subs":{"plain":{}}"#))
            for text in [#"{"id":2,"publish":{"channel":"plain","data":1}}"#, "nonsense", "{}"] {
                try await client.send(text)
            }
            // While it reads, it answers the pings that come with these.
            for _ in 0..<2 { #expect(try await client.nextText() == "{}") }
            try await node.publish("plain", "[1]")
            var last = "{}"
            while last == "{}" { last = try await client.nextText() }
            #expect(last == #"{"channel":"plain","pub":{"data":[1]}}"#)
            await client.close()
        }
    }

    @Test("on a WebSocket the connect request may stand in the address, and a message counts no more then")
    func webSocketQuery() async throws {
        try await TestTokens.withNode { node in
            let first = try await request(#"{"sub":"42","subs":{"plain":{}}}"#)
            func path(_ text: String) -> String {
                let query = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                return "/connection/uni_websocket?x=1&cf_connect=\(query)"
            }
            let client = try await WebSocketClient.connect(node.port, path(first))
            let welcome = try await client.nextText()
            #expect(welcome.hasPrefix(#"{"connect":{"client":""#) && welcome.contains(#""subs":{"plain":{}}"#))
            try await client.send(try await request(#"{"sub":"other","subs":{"more":{}}}"#))
            try await node.publish("more", "[1]")
            try await node.publish("plain", "[2]")
            #expect(try await client.nextText() == #"{"channel":"plain","pub":{"data":[2]}}"#)
            await client.close()
            for (text, code) in [(#"{"token":"x"}"#, 3_500), ("{}", 3_500), ("[]", 3_501), ("{", 3_501)] {
                let refused = try await WebSocketClient.connect(node.port, path(text))
                #expect(try await refused.closeCode() == UInt16(code), "\(text)")
                await refused.close()
            }
            let broken = try await HTTP.get(
                node.port, "/connection/uni_websocket?cf_connect=%zz",
                headers: [
                    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                ])
            #expect(broken.status == 400 && broken.body.contains("percent-encoded"), "\(broken)")
        }
    }

    @Test("who may not come in is told how it ends: in the stream, and by a close frame")
    func refusals() async throws {
        try await TestTokens.withNode(flags: Self.flags) { node in
            let expired = try await request(#"{"sub":"42","exp":\#(TestTokens.time(in: -600))}"#)
            for (first, code) in [(expired, 3005), (#"{"token":"x"}"#, 3500), ("{}", 3500), ("[]", 3501), ("", 3500)] {
                for form in EmulatedClient.Form.allCases {
                    let client = try await EmulatedClient.open(node.port, form, first: first, prefix: "uni_")
                    #expect(client.stream.answer.status == 200)
                    #expect(try await client.read().text.hasPrefix(#"{"disconnect":{"code":\#(code),"#), "\(first)")
                    try await client.stream.readToEnd()
                    #expect(client.stream.chunks?.hasEnded == true)
                    // A browser would come back with the same for ever.
                    #expect(client.stream.lastEventID == (form == .events ? "end" : ""), "\(first)")
                    await client.close()
                }
                let client = try await WebSocketClient.connect(node.port, "/connection/uni_websocket")
                try await client.send(first)
                #expect(try await client.closeCode() == UInt16(code))
                await client.close()
            }
        }
    }

    @Test(
        "a browser that came back after an end for good hears 204; where a cookie may bring a new token it may come again"
    )
    func forGood() async throws {
        try await TestTokens.withNode(flags: Self.flags + ["--token-cookie", "t", "--token-in-query"]) { node in
            func open(_ path: String, _ headers: [String: String]) async throws -> StreamClient {
                try await StreamClient.connect(node.port, "/connection/uni_sse" + path, headers: headers)
            }
            let back = try await open("?cf_connect=%7B%7D", ["Last-Event-ID": "end"])
            #expect(back.answer.status == 204 && back.answer["cache-control"] == "no-store")
            let expired = try await TestTokens.make(#"{"sub":"42","exp":\#(TestTokens.time(in: -600))}"#)
            let first = "?cf_connect=%7B%22token%22%3A%22\(expired)%22%7D"
            let cookie = ["Cookie": "t=\(expired)"]
            // That of the first message counts before a cookie, and a cookie before that of the address.
            for (path, headers, last) in [
                ("", cookie, ""), ("?token=\(expired)", [:], "end"), ("?token=\(expired)", cookie, ""),
                (first, [:], "end"), (first, cookie, "end"),
            ] {
                let client = try await open(path, headers)
                #expect(try await client.next()?.data.string.hasPrefix(#"{"disconnect":{"code":3005,"#) == true)
                try await client.readToEnd()
                #expect(client.lastEventID == last, "\(path) \(headers.keys)")
                await client.close()
            }
            let token = try await TestTokens.make(#"{"sub":"42"}"#)
            let client = try await open("", ["Cookie": "t=\(token)"])
            #expect(try await client.next()?.data.string.hasPrefix(#"{"connect":{"#) == true)
            _ = try await HTTP.post(node.adminPort, "/api/disconnect", #"{"user":"42"}"#)
            #expect(try await client.next()?.data.string.hasPrefix(#"{"disconnect":{"code":3503,"#) == true)
            #expect(client.lastEventID == "end")
            await client.close()
        }
    }

    @Test("a browser whose subscriptions take the node too long may come back, for it has said what it must")
    func slowNode() async throws {
        try await withRedis { redis in
            try await TestTokens.withNode(
                redis: redis.url, flags: Self.flags + ["--first-command-timeout", "100ms"]
            ) { node in
                redis.freeze()
                let client = try await EmulatedClient.open(
                    node.port, .events, first: try await request(Self.claims), prefix: "uni_")
                #expect(try await client.read().text.hasPrefix(#"{"disconnect":{"code":1013,"#))
                try await client.stream.readToEnd()
                #expect(client.stream.lastEventID == "")
                await client.close()
            }
        }
    }

    @Test("a POST for lines may say in its address what its body leaves out")
    func query() async throws {
        try await TestTokens.withNode { node in
            let first = try await request(#"{"sub":"42","subs":{"plain":{}}}"#)
            let query = first.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            for (query, body) in [(query, ""), ("nonsense", first)] {
                let client = try await StreamClient.connect(
                    node.port, "/connection/uni_http_stream?cf_connect=\(query)", headers: ["Accept": "*/*"],
                    method: "POST", body: body)
                #expect(try await client.nextLine()?.contains(#""subs":{"plain":{}}"#) == true)
                await client.close()
            }
        }
    }

    @Test("when its token expires it ends with 3005 at once, for it can bring no other")
    func expiry() async throws {
        try await TestTokens.withNode(flags: Self.flags + ["--token-leeway", "0"]) { node in
            let first = try await request(#"{"sub":"42","subs":{"plain":{}},"exp":\#(TestTokens.time(in: 8))}"#)
            let client = try await EmulatedClient.open(node.port, .lines, first: first, prefix: "uni_")
            #expect(try await client.read().text.contains(#""expires":true"#))
            #expect(try await client.read().text.hasPrefix(#"{"disconnect":{"code":3005,"#))
            await client.close()
        }
    }
}
