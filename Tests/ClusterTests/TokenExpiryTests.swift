import FanfareTestKit
import Testing

@Suite("Cluster: tokens that expire")
struct TokenExpiryTests {
    @Test("a client whose token expires is closed with 3005 after the grace, unless it refreshes")
    func connection() async throws {
        try await TestTokens.withNode(flags: ["--expired-grace", "1s", "--token-leeway", "0"]) { node in
            let claims = { (seconds: Int) in #"{"sub":"42","exp":\#(TestTokens.time(in: seconds))}"# }
            let lost = try await CentrifugeClient.session(node, claims(8))
            let kept = try await CentrifugeClient.session(node, claims(8))
            let other = try await CentrifugeClient.session(node, claims(600))
            let fresh = try await TestTokens.make(claims(600))
            let reply = try await kept.command(#""refresh":{"token":"\#(fresh)"}"#)
            let ttl = try #require(reply.result("refresh", "ttl").flatMap { Int($0) })
            #expect((500...600).contains(ttl) && reply.result("refresh", "expires") == "1", "\(reply.text)")
            let code = try await lost.socket.closeCode()
            #expect(code == 3005)
            let pong = try await kept.command(#""ping":{}"#)
            #expect(pong.errorCode == nil)
            // Of another user, and an expired one.
            let stranger = try await TestTokens.make(#"{"sub":"43"}"#)
            try await kept.socket.send(#"{"id":90,"refresh":{"token":"\#(stranger)"}}"#)
            let strange = try await kept.socket.closeCode()
            #expect(strange == 3500)
            let old = try await TestTokens.make(claims(-1))
            try await other.socket.send(#"{"id":91,"refresh":{"token":"\#(old)"}}"#)
            let expired = try await other.socket.closeCode()
            #expect(expired == 3005)
            let counted = try await node.metric(#"fanfare_tokens_refused_total{reason="other_user"}"#)
            #expect(counted == 1)
        }
    }

    @Test("who subscribes more often than once a second does not put off the end of its token")
    func busy() async throws {
        try await TestTokens.withNode(flags: ["--expired-grace", "0s", "--token-leeway", "0"]) { node in
            let client = try await CentrifugeClient.session(
                node, #"{"sub":"42","exp":\#(TestTokens.time(in: 8))}"#)
            let talk = Task {
                while !Task.isCancelled {
                    try await client.subscribe("plain")
                    try await client.unsubscribe("plain")
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            try await eventually("it is ended") { client.socket.socket.isClosed }
            talk.cancel()
            _ = await talk.result
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3005"}"#) == 1)
        }
    }

    @Test("a raw client, which can't refresh, is closed with 3005 when its token expires")
    func raw() async throws {
        try await TestTokens.withNode(flags: ["--token-leeway", "0"]) { node in
            let token = try await TestTokens.make(#"{"sub":"42","exp":\#(TestTokens.time(in: 8))}"#)
            let client = try await WebSocketClient.connect(
                node.port, "/channels/a/ws", headers: ["Authorization": "Bearer \(token)"])
            let code = try await client.closeCode()
            #expect(code == 3005)
        }
    }

    @Test("a private channel opens with its token only, and closes with 2501 when that expires")
    func subscription() async throws {
        try await TestTokens.withNode(flags: ["--expired-grace", "0", "--token-leeway", "0"]) { node in
            let client = try await CentrifugeClient.session(node, #"{"sub":"42"}"#)
            let without = try await client.subscribe("$a")
            #expect(without.errorCode == 103)
            let subscribe = { (claims: String) async throws -> CentrifugeClient.Message in
                let token = try await TestTokens.make(claims)
                return try await client.command(#""subscribe":{"channel":"$a","token":"\#(token)"}"#)
            }
            let expiry = TestTokens.time(in: 10)
            for claims in [
                #"{"sub":"43","channel":"$a"}"#, #"{"sub":"42","channel":"$b"}"#, #"{"sub":"42"}"#,
                #"{"sub":"42","channel":"$a","client":"other"}"#,
            ] {
                let answer = try await subscribe(claims)
                #expect(answer.errorCode == 103, "\(claims)")
            }
            let late = try await subscribe(#"{"sub":"42","channel":"$a","exp":\#(expiry - 60)}"#)
            #expect(late.errorCode == 109)
            let good = try await subscribe(#"{"sub":"42","channel":"$a","exp":\#(expiry)}"#)
            #expect(good.errorCode == nil && good.result("subscribe", "expires") == "1", "\(good.text)")
            try await node.publish("$a", "1")
            let heard = try await client.nextPublication()
            #expect(heard.channel == "$a")
            let next = try await TestTokens.make(#"{"sub":"42","channel":"$a","exp":\#(expiry + 2)}"#)
            let renewed = try await client.command(#""sub_refresh":{"channel":"$a","token":"\#(next)"}"#)
            #expect(renewed.result("sub_refresh", "expires") == "1")
            let push = try await client.read()
            #expect(push.text.contains(#""unsubscribe":{"code":2501"#), "\(push.text)")
            #expect(TestTokens.time(in: 0) >= expiry + 2, "the refreshed expiry counts")
            let pong = try await client.command(#""ping":{}"#)
            #expect(pong.errorCode == nil)
        }
    }
}
