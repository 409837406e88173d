import FanfareTestKit
import Foundation
import Testing

/// Clients of one user share their places on a node, whatever they speak.
@Suite("Cluster: connections per user", .serialized)
struct UserLimitTests {
    private func raw(_ node: Node, _ user: String) async throws -> WebSocketClient {
        let token = try await TestTokens.make(#"{"sub":"\#(user)","exp":\#(TestTokens.time(in: 600))}"#)
        return try await WebSocketClient.connect(
            node.port, "/channels/a/ws", headers: ["Authorization": "Bearer \(token)"])
    }

    private func centrifuge(_ node: Node, _ user: String) async throws -> CentrifugeClient {
        try await CentrifugeClient.session(node, #"{"sub":"\#(user)","exp":\#(TestTokens.time(in: 600))}"#)
    }

    private func refused(_ node: Node, _ count: Int) async throws {
        let metric = try await node.metric(#"fanfare_connections_refused_total{reason="user_limit"}"#)
        #expect(metric == Double(count))
    }

    @Test("a user's clients beyond the limit get 429, and 111 as temporary; others come in")
    func limit() async throws {
        try await TestTokens.withNode(flags: ["--max-connections-per-user", "2"]) { node in
            let first = try await raw(node, "42")
            let second = try await centrifuge(node, "42")
            let refusal = await #expect(throws: WebSocketClient.Refused.self) { try await raw(node, "42") }
            #expect(refusal?.answer.status == 429 && Int(refusal?.answer["retry-after"] ?? "") != nil)
            #expect(refusal?.answer.body.contains("user") == true)

            let third = try await CentrifugeClient.open(node.port)
            let token = try await TestTokens.make(#"{"sub":"42"}"#)
            let reply = try await third.command(#""connect":{"token":"\#(token)"}"#)
            #expect(reply.errorCode == 111 && reply.isTemporary && reply.text.contains(#""retry_after":"#))
            let code = try await third.socket.closeCode()
            #expect(code == 1013, "one attempt for each connection, and SDKs come back after this code")
            try await refused(node, 2)

            for user in ["43", "", ""] {
                _ = try await raw(node, user)
                _ = try await centrifuge(node, user)
            }
            try await second.socket.send(#"{"id":9,"subscribe":{"channel":"a"}}"#)
            let answer = try await second.read()
            #expect(answer.id == 9 && answer.errorCode == nil, "those that are there feel nothing")
            await first.close()
            try await eventually("a place is free") { (try? await centrifuge(node, "42")) != nil }
        }
    }

    @Test("places come back after resets, refused clients and repeated connects hold none")
    func places() async throws {
        try await TestTokens.withNode(flags: ["--max-connections-per-user", "3"]) { node in
            for _ in 0..<3 {
                var clients = [try await raw(node, "7").socket, try await centrifuge(node, "7").socket.socket]
                let third = try await CentrifugeClient.open(node.port)
                clients.append(third.socket.socket)
                // Takes a place and fails: the channel of the token can't be one. The next try is the same client.
                let broken = try await TestTokens.make(#"{"sub":"7","channels":["no name"]}"#)
                let failure = try await third.command(#""connect":{"token":"\#(broken)"}"#)
                #expect(failure.errorCode == 107)
                let good = try await TestTokens.make(#"{"sub":"7"}"#)
                let success = try await third.command(#""connect":{"token":"\#(good)"}"#)
                #expect(success.errorCode == nil)
                for _ in 0..<3 {
                    await #expect(throws: WebSocketClient.Refused.self) { try await raw(node, "7") }
                }
                for client in clients { await client.reset() }
                try await eventually("all are gone") { try await node.metric("fanfare_connections") == 0 }
            }
            let known = try await node.metric("fanfare_known_users")
            #expect(known == 1)
            try await refused(node, 9)
        }
    }

    @Test("a broker that is away leaves no place taken")
    func brokerAway() async throws {
        let redis = "redis://127.0.0.1:\(FreePort.take())"
        let variables = ["FANFARE_TOKEN_HMAC_SECRET": TestTokens.secret]
        let node = try await Node.start(
            redis: redis, flags: ["--max-connections-per-user", "1"], environment: variables, dev: false, isReady: false
        )
        for _ in 0..<3 {
            let refusal = await #expect(throws: WebSocketClient.Refused.self) { try await raw(node, "42") }
            #expect(refusal?.answer.status == 503)
        }
        _ = try await centrifuge(node, "42")
        await node.stop()
    }
}
