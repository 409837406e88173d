import FanfareTestKit
import NIOCore
import Testing

/// The clients of one user share its rates, whatever they speak; other users have their own.
@Suite("Cluster: rates of users", .serialized)
struct UserRateTests {
    private func token(_ user: String) async throws -> String {
        try await TestTokens.make(#"{"sub":"\#(user)","exp":\#(TestTokens.time(in: 600))}"#)
    }

    private func raw(_ node: Node, _ user: String) async throws -> WebSocketClient {
        try await WebSocketClient.connect(
            node.port, "/channels/c/ws", headers: ["Authorization": "Bearer \(token(user))"])
    }

    private func centrifuge(_ node: Node, _ user: String) async throws -> CentrifugeClient {
        try await CentrifugeClient.session(node, #"{"sub":"\#(user)","exp":\#(TestTokens.time(in: 600))}"#)
    }

    private func post(_ node: Node, _ user: String) async throws -> HTTPAnswer {
        try await HTTP.post(
            node.port, "/channels/c", "over HTTP", headers: ["Authorization": "Bearer \(token(user))"])
    }

    private func metric(_ node: Node, _ name: String, _ limit: String) async throws -> Double {
        try await node.metric("fanfare_\(name)_total{limit=\"\(limit)\"}")
    }

    @Test("what one client of a user publishes is not left for its others, raw, Centrifuge or HTTP")
    func publications() async throws {
        let flags = ["--users", "publish", "--max-user-publish-rate", "3"]
        try await TestTokens.withNode(flags: flags) { node in
            let first = try await centrifuge(node, "42")
            let second = try await centrifuge(node, "42")
            let third = try await raw(node, "42")
            let other = try await centrifuge(node, "43")
            // More than flow in while the rest is tried.
            for number in 0..<18 { third.sendLater("\(number)") }
            try await eventually("it is held back") { try await metric(node, "throttled", "user_publish") >= 1 }
            // A token that has flowed in goes to whoever comes first: some tries may have luck.
            for client in [first, second] {
                var reply = try await client.publish("c", #""x""#)
                while reply.errorCode == nil { reply = try await client.publish("c", #""x""#) }
                #expect(reply.errorCode == 111 && reply.isTemporary && (1...2_000).contains(reply.retryAfter ?? 0))
            }
            var answer = try await post(node, "42")
            while answer.status == 200 { answer = try await post(node, "42") }
            #expect(answer.status == 429 && ["1", "2"].contains(answer["retry-after"]))
            #expect(try await other.publish("c", #""x""#).errorCode == nil)
            #expect(try await post(node, "43").status == 200)
            #expect(try await metric(node, "rate_refusals", "user_publish") == 3)
            #expect(try await node.metric(#"fanfare_connections_refused_total{reason="publish_rate"}"#) == 1)
            // What is held back comes whole and in order.
            var heard: [Int] = []
            while heard.count < 18 { Int(try await third.nextText()).map { heard.append($0) } }
            #expect(heard == Array(0..<18))
            await third.close()
            try await eventually("the user may publish again, over HTTP") { try await post(node, "42").status == 200 }
        }
    }

    @Test("the messages of two clients of a user come as late as if one had sent them, another user's at once")
    func messages() async throws {
        let flags = ["--max-user-message-rate", "50", "--max-commands", "20"]
        try await TestTokens.withNode(flags: flags) { node in
            let clients = [try await centrifuge(node, "42"), try await centrifuge(node, "42")]
            let other = try await centrifuge(node, "43")
            let began = ContinuousClock.now
            for client in clients {
                var pings = ByteBuffer()
                for id in 100..<175 {
                    pings.writeImmutableBuffer(
                        WebSocketClient.frame(opcode: 1, Array("{\"id\":\(id),\"ping\":{}}".utf8)))
                }
                client.socket.socket.sendLater(pings)
            }
            try await eventually("they are held back") { try await metric(node, "throttled", "user_messages") >= 2 }
            let reply = try await other.command(#""ping":{}"#)
            #expect(reply.errorCode == nil)
            for client in clients {
                for id in 100..<175 {
                    let reply = try await client.read()
                    #expect(reply.id == id)
                }
            }
            let took = ContinuousClock.now - began
            // Two connects and 150 pings, of which 50 may come at once.
            #expect(took >= .milliseconds(1_950))
            #expect(try await metric(node, "throttled", "messages") == 0)
        }
    }
}
