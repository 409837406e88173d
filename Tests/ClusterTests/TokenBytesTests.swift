import FanfareTestKit
import Testing

/// U+212A is KELVIN SIGN, which Swift's `==` takes for `K`. Each way in, on a real node.
@Suite("Cluster: tokens are compared byte for byte")
struct TokenBytesTests {
    private func status(_ node: Node, _ path: String, _ claims: String) async throws -> Int {
        let token = try await TestTokens.make(claims)
        do {
            let client = try await WebSocketClient.connect(
                node.port, path, headers: ["Authorization": "Bearer \(token)"])
            await client.close()
            return 101
        } catch let refused as WebSocketClient.Refused {
            return refused.answer.status
        }
    }

    @Test("a subscription token for one channel does not open another that looks the same")
    func subscription() async throws {
        try await TestTokens.withNode { node in
            let client = try await CentrifugeClient.session(node, #"{"sub":"Kim"}"#)
            for (claims, channel, code) in [
                ("{\"sub\":\"Kim\",\"channel\":\"$inbox_\u{212A}im\"}", "$inbox_Kim", 103),
                ("{\"sub\":\"Kim\",\"channel\":\"$inbox_Kim\"}", "$inbox_\u{212A}im", 103),
                ("{\"sub\":\"\u{212A}im\",\"channel\":\"$inbox_Kim\"}", "$inbox_Kim", 103),
                ("{\"sub\":\"Kim\",\"channel\":\"$caf\u{E9}\"}", "$cafe\u{301}", 103),
                ("{\"sub\":\"Kim\",\"channel\":\"$inbox_Kim\"}", "$inbox_Kim", nil),
            ] as [(String, String, Int?)] {
                let token = try await TestTokens.make(claims)
                let answer = try await client.command(#""subscribe":{"channel":"\#(channel)","token":"\#(token)"}"#)
                #expect(answer.errorCode == code, "\(claims) for \(channel): \(answer.text)")
            }
            let renewal = try await TestTokens.make("{\"sub\":\"Kim\",\"channel\":\"$inbox_\u{212A}im\"}")
            let renewed = try await client.command(#""sub_refresh":{"channel":"$inbox_Kim","token":"\#(renewal)"}"#)
            #expect(renewed.errorCode == 103, "\(renewed.text)")
            let stranger = try await TestTokens.make("{\"sub\":\"\u{212A}im\"}")
            try await client.socket.send(#"{"id":99,"refresh":{"token":"\#(stranger)"}}"#)
            let code = try await client.socket.closeCode()
            #expect(code == 3500)
        }
    }

    @Test("raw upgrades and POST: channels, capabilities and users of a token are their own")
    func requests() async throws {
        try await TestTokens.withNode(flags: ["--users", "publish"]) { node in
            let inbox = "/channels/%24inbox_Kim/ws"
            #expect(try await status(node, inbox, "{\"channels\":[\"$inbox_\u{212A}im\"]}") == 403)
            #expect(try await status(node, inbox, #"{"channels":["$inbox_Kim"]}"#) == 101)
            #expect(try await status(node, inbox, "{\"subs\":{\"$inbox_\u{212A}im\":{}}}") == 403)
            #expect(try await status(node, "/channels/a%23K/ws", "{\"sub\":\"\u{212A}\"}") == 403)
            #expect(try await status(node, "/channels/a%23K/ws", #"{"sub":"K"}"#) == 101)
            let caps = { (name: String) in #"{"caps":[{"channels":["\#(name)"],"allow":["sub","pub"]}]}"# }
            #expect(try await status(node, "/channels/K/ws", caps("\u{212A}")) == 403)
            #expect(try await status(node, "/channels/K/ws", caps("K")) == 101)
            for (name, wanted) in [("\u{212A}", 403), ("K", 200)] {
                let token = try await TestTokens.make(caps(name))
                let answer = try await HTTP.post(
                    node.port, "/channels/K", "1", headers: ["Authorization": "Bearer \(token)"])
                #expect(answer.status == wanted)
            }
        }
    }

    @Test("a refresh with less ends what it does not allow: the client is told and hears it no more")
    func refresh() async throws {
        try await TestTokens.withNode { node in
            let caps = { (names: String) in #"{"sub":"42","caps":[{"channels":[\#(names)],"allow":["sub"]}]}"# }
            let client = try await CentrifugeClient.session(node, caps(#""a","b""#))
            for channel in ["a", "b"] {
                let reply = try await client.subscribe(channel)
                #expect(reply.errorCode == nil)
            }
            let less = try await TestTokens.make(caps(#""b""#))
            let reply = try await client.command(#""refresh":{"token":"\#(less)"}"#)
            #expect(reply.errorCode == nil, "\(reply.text)")
            let push = try await client.read()
            #expect(push.text.contains(#"{"push":{"channel":"a","unsubscribe":{"code":2000"#), "\(push.text)")
            try await node.publish("a", "1")
            try await node.publish("b", "2")
            let heard = try await client.nextPublication()
            #expect(heard.channel == "b" && heard.data == "2")
            await client.close()
        }
    }
}
