import FanfareTestKit
import Testing

@Suite("Cluster: tokens")
struct TokenTests {
    @Test("a token is taken from the command, from Authorization, a cookie and a subprotocol, and never echoed")
    func places() async throws {
        let token = try await TestTokens.make(#"{"sub":"42"}"#)
        try await TestTokens.withNode(flags: ["--token-cookie", "session"]) { node in
            let own = try await CentrifugeClient.connect(node, token: token)
            #expect(own.errorCode == nil)
            let places = [
                "Authorization": "Bearer \(token)", "Cookie": "a=b; session=\(token)",
                "Sec-WebSocket-Protocol": "centrifuge-json, bearer.\(token)",
            ]
            for (name, value) in places {
                let client = try await CentrifugeClient.connect(node.port, headers: [name: value])
                #expect(!client.socket.answer.headers.contains { $0.value.contains(token) })
                await client.close()
                let raw = try await WebSocketClient.connect(node.port, "/channels/a/ws", headers: [name: value])
                #expect(!raw.answer.headers.contains { $0.value.contains(token) })
                await raw.close()
            }
            let browser = try await WebSocketClient.connect(
                node.port, "/channels/a/ws", headers: ["Sec-WebSocket-Protocol": "fanfare-raw, bearer.\(token)"])
            #expect(browser.answer["sec-websocket-protocol"] == "fanfare-raw")
            await browser.close()
            // The query is off, and without a token nobody comes in.
            for path in ["/channels/a/ws?token=\(token)", "/channels/a/ws"] {
                await #expect(throws: WebSocketClient.Refused.self) {
                    try await WebSocketClient.connect(node.port, path)
                }
            }
            let anonymous = try await CentrifugeClient.connect(node, token: "")
            #expect(anonymous.errorCode == 101)
        }
        try await TestTokens.withNode(flags: ["--token-in-query"]) { node in
            let raw = try await WebSocketClient.connect(node.port, "/channels/a/ws?token=\(token)")
            await raw.close()
        }
    }

    @Test("hostile tokens get 101 or 109 or 401, a counter, and nothing else; a neighbour hears on")
    func hostile() async throws {
        let claims = #"{"sub":"42"}"#
        let cases: [(token: String, reason: String, code: Int)] = try await [
            ("x", "malformed", 101),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.", "algorithm", 101),
            (TestTokens.make(claims, secret: "another secret of more than 32 bytes"), "signature", 101),
            (TestTokens.make(#"{"sub":"42","exp":\#(TestTokens.time(in: -60))}"#), "expired", 109),
            (TestTokens.make(#"{"sub":"42","nbf":\#(TestTokens.time(in: 60))}"#), "not_yet_valid", 101),
            (TestTokens.make(#"{"sub":"42","aud":"other"}"#), "audience", 101),
            (TestTokens.make(#"{"sub":"42","aud":"here","iss":"other"}"#), "issuer", 101),
            (TestTokens.make(#"{"sub":"42","aud":"here","iss":"me","channel":"a"}"#), "purpose", 101),
            (TestTokens.make(#"{"sub":42,"aud":"here","iss":"me"}"#), "claims", 101),
            (String(repeating: "x", count: 9_000), "too_long", 101),
        ]
        let flags = ["--token-audience", "here", "--token-issuer", "me", "--max-header-field-bytes", "16KiB"]
        try await TestTokens.withNode(flags: flags) { node in
            let neighbour = try await CentrifugeClient.session(node, #"{"sub":"1","aud":"here","iss":"me"}"#)
            try await neighbour.subscribe("n")
            for (token, reason, code) in cases {
                let counter = "fanfare_tokens_refused_total{reason=\"\(reason)\"}"
                let before = try await node.metric(counter)
                let answer = try await CentrifugeClient.connect(node, token: token)
                #expect(answer.errorCode == code, "\(reason): \(answer.text)")
                let refused = await #expect(throws: WebSocketClient.Refused.self, "\(reason)") {
                    try await WebSocketClient.connect(
                        node.port, "/channels/a/ws", headers: ["Authorization": "Bearer \(token)"])
                }
                #expect(refused?.answer.status == 401 && refused?.answer.body.contains("eyJ") == false)
                let after = try await node.metric(counter)
                #expect(after == before + 2, "\(reason)")
                try await node.publish("n", "\"\(reason)\"")
                let heard = try await neighbour.nextPublication()
                #expect(heard.data == "\"\(reason)\"")
            }
            let second = try await CentrifugeClient.open(node.port)
            _ = try await second.command(#""connect":{"token":"x"}"#)
            try await second.socket.send(#"{"id":9,"connect":{"token":"y"}}"#)
            let code = try await second.socket.closeCode()
            #expect(code == 3500, "one try a connection")
            let metrics = try await HTTP.get(node.adminPort, "/metrics").body
            #expect(!metrics.contains("eyJ"))
        }
    }

    @Test("the token's channels are subscribed with the connection, on the real Redis, and say where they begin")
    func serverSide() async throws {
        try await withRedis { redis in
            let flags = ["--namespaces", "chat: history=10/1m recovery"]
            try await TestTokens.withNode(redis: redis.url, flags: flags) { node in
                let token = try await TestTokens.make(#"{"sub":"42","channels":["chat:1","plain","$private"]}"#)
                try await node.publish("chat:1", "1")
                let client = try await CentrifugeClient.open(node.port)
                let reply = try await client.command(#""connect":{"token":"\#(token)"}"#)
                #expect(reply.text.contains(#""offset":1"#), "\(reply.text)")
                #expect(reply.text.contains(#""plain":{}"#) && reply.text.contains(#""$private":{}"#), "\(reply.text)")
                for channel in ["chat:1", "plain", "$private"] {
                    try await node.publish(channel, "2")
                    let heard = try await client.nextPublication()
                    #expect(heard.channel == channel && heard.data == "2")
                }
                await client.close()
                // It comes back with its place and gets what it missed.
                try await node.publish("chat:1", "3")
                let epoch = try #require(reply.text.firstMatch(of: /"epoch":"([^"]+)"/)?.1)
                let again = try await CentrifugeClient.open(node.port)
                let place = #""subs":{"chat:1":{"recover":true,"epoch":"\#(epoch)","offset":2}}"#
                let second = try await again.command(#""connect":{"token":"\#(token)",\#(place)}"#)
                #expect(
                    second.text.contains(#""recovered":true"#) && second.text.contains(#""data":3"#), "\(second.text)")
                await again.close()
            }
        }
    }

    @Test("what a busy channel brings while the others are on their way comes behind the answer to connect, complete")
    func early() async throws {
        try await withRedis { redis in
            let flags = ["--namespaces", "chat: history=1000/1m recovery", "--loops", "1"]
            try await TestTokens.withNode(redis: redis.url, flags: flags) { node in
                // Somebody is there already: for the next one it is in force at once, and a fresh channel is not.
                let first = try await CentrifugeClient.session(node, #"{"sub":"1","channels":["chat:busy"]}"#)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while !Task.isCancelled { _ = try? await node.publish("chat:busy", "1") }
                    }
                    for round in 0..<20 {
                        let token = try await TestTokens.make(
                            #"{"sub":"2","channels":["chat:busy","fresh-\#(round)"]}"#)
                        let client = try await CentrifugeClient.open(node.port)
                        try await client.socket.send(#"{"id":1,"connect":{"token":"\#(token)"}}"#)
                        let reply = try await client.read()
                        #expect(reply.id == 1, "\(reply.text)")
                        var offset = try #require(reply.text.firstMatch(of: /"offset":(\d+)/).flatMap { Int($0.1) })
                        for _ in 0..<3 {
                            let push = try await client.read().text
                            let next = try #require(push.firstMatch(of: /"offset":(\d+)/).flatMap { Int($0.1) })
                            #expect(next == offset + 1, "round \(round)")
                            offset = next
                        }
                        await client.close()
                    }
                    group.cancelAll()
                }
                await first.close()
            }
        }
    }

    @Test("commands behind a connect wait for its subscriptions and are answered in order")
    func pipelined() async throws {
        try await withRedis { redis in
            try await TestTokens.withNode(redis: redis.url, flags: ["--users", "publish"]) { node in
                let token = try await TestTokens.make(#"{"sub":"42","channels":["a","b"]}"#)
                let client = try await CentrifugeClient.open(node.port)
                try await client.socket.send(
                    """
                    {"id":1,"connect":{"token":"\(token)"}}
                    {"id":2,"subscribe":{"channel":"c"}}
                    {"id":3,"publish":{"channel":"a","data":1}}
                    """)
                try await client.socket.send(#"{"id":4,"ping":{}}"#)
                var ids: [Int] = []
                while ids.count < 4 {
                    if let id = try await client.read().id { ids.append(id) }
                }
                #expect(ids.first == 1 && Set(ids) == [1, 2, 3, 4])
                await client.close()
            }
        }
    }

    @Test("publishing is closed to users unless the node or the token opens it")
    func publishing() async throws {
        try await TestTokens.withNode { node in
            let user = try await CentrifugeClient.session(node, #"{"sub":"42"}"#)
            let refused = try await user.publish("a", "1")
            #expect(refused.errorCode == 103)
            let caps = #"{"sub":"42","caps":[{"channels":["a*"],"match":"wildcard","allow":["pub"]}]}"#
            let writer = try await CentrifugeClient.session(node, caps)
            let (open, closed, listening) = try await (
                writer.publish("ab", "1"), writer.publish("b", "1"), writer.subscribe("ab")
            )
            #expect(open.errorCode == nil && closed.errorCode == 103 && listening.errorCode == 103)
            let token = try await TestTokens.make(caps)
            for (channel, status) in [("ab", 200), ("b", 403), ("$ab", 403), ("a%2342", 200), ("a%2343", 403)] {
                let answer = try await HTTP.post(
                    node.port, "/channels/\(channel)", "1", headers: ["Authorization": "Bearer \(token)"])
                #expect(answer.status == status, "\(channel)")
            }
            let nobody = try await HTTP.post(node.port, "/channels/ab", "1")
            #expect(nobody.status == 401)
        }
        try await TestTokens.withNode(flags: ["--users", "publish"]) { node in
            let user = try await CentrifugeClient.session(node, #"{"sub":"42"}"#)
            let answer = try await user.publish("a", "1")
            #expect(answer.errorCode == nil)
        }
    }
}
