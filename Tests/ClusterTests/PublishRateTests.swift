import FanfareTestKit
import Testing

/// Publishing over HTTP is held to the rate of a client, on however many connections it comes.
@Suite("Cluster: rate of publishing over HTTP", .serialized)
struct PublishRateTests {
    private func post(_ client: SocketClient, _ fields: String) async throws -> HTTPAnswer {
        try await client.send("POST /channels/c HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: 1\r\n\r\nx")
        let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
        return try #require(answer)
    }

    /// Posts until it is refused, on one connection or each time on a new one; how many were taken.
    private func flood(_ node: Node, fields: String = "", from: String? = nil, isKept: Bool) async throws -> Int {
        var client = try await SocketClient.connect(node.port, from: from)
        for taken in 0..<60 {
            let answer = try await post(client, fields)
            guard answer.status == 200 else {
                #expect(answer.status == 429 && answer["retry-after"] == "1", "\(answer)")
                return taken
            }
            if !isKept {
                await client.close()
                client = try await SocketClient.connect(node.port, from: from)
            }
        }
        return 60
    }

    @Test("those of one address without a user, and those of one user, are one client's, whatever they come over")
    func rates() async throws {
        // Three at once, and three a second: sixty posts in a row would have to take twenty seconds to be let through.
        let flags = [
            "--max-publish-rate", "3", "--trusted-proxies", "127.0.0.1", "--anonymous", "publish", "--users",
            "publish",
        ]
        try await TestTokens.withNode(flags: flags) { node in
            let listener = try await WebSocketClient.connect(node.port, "/channels/c/ws", from: "127.0.0.5")
            #expect((3..<60).contains(try await flood(node, from: "127.0.0.2", isKept: true)))
            #expect((3..<60).contains(try await flood(node, from: "127.0.0.3", isKept: false)))
            // Through a proxy that says for whom it speaks, on one connection.
            let proxy = try await SocketClient.connect(node.port)
            for number in 0..<30 {
                let answer = try await post(proxy, "X-Forwarded-For: 192.0.2.\(number)\r\n")
                #expect(answer.status == 200)
            }
            #expect(
                (3..<60).contains(try await flood(node, fields: "X-Forwarded-For: 198.51.100.1\r\n", isKept: false)))
            // One that does not say so is who publishes.
            #expect((3..<60).contains(try await flood(node, isKept: true)))
            let token = try await TestTokens.make(#"{"sub":"1"}"#)
            let other = try await TestTokens.make(#"{"sub":"2"}"#)
            let nobody = try await TestTokens.make(#"{}"#)
            for (token, address) in [(token, "127.0.0.6"), (other, "127.0.0.6"), (nobody, "127.0.0.8")] {
                let fields = "Authorization: Bearer \(token)\r\n"
                #expect((3..<60).contains(try await flood(node, fields: fields, from: address, isKept: true)))
            }
            let fields = "Authorization: Bearer \(token)\r\n"
            #expect(
                try await flood(node, fields: fields, from: "127.0.0.7", isKept: false) < 60,
                "another address, the same user")
            #expect(try await node.metric(#"fanfare_rate_refusals_total{limit="publish"}"#) >= 8)
            #expect(try await listener.nextText() == "x")
        }
    }
}
