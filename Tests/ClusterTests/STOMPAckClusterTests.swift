import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: STOMP acknowledgements")
struct STOMPAckClusterTests {
    private static let flags = [
        "--namespaces", "chat: history=500/10m recovery; *: publish=clients", "--redis-probe-interval", "300ms",
    ]

    private func withNodes(_ flags: [String] = [], _ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags + flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags + flags) { two in
                    try await body(one, two)
                }
            }
        }
    }

    @Test("a client with a small window hears all of a burst once and in order, by way of the history")
    func burst() async throws {
        try await withNodes { one, two in
            let client = try await STOMPClient.connect(one.port)
            _ = try await client.subscribe("/topic/chat\\c1", headers: "ack:client\nprefetch-count:10\n")
            let writer = try await STOMPClient.connect(two.port)
            for number in 1...300 { try await writer.send("SEND\ndestination:/topic/chat\\c1\n\n\(number)^") }
            for number in 1...300 {
                let (headers, body) = try await client.message()
                #expect(body == "\(number)" && headers["redelivered"] == nil && headers["offset"] == body)
                guard number % 3 == 0 else { continue }
                try await client.send("ACK\nid:\(headers["ack"] ?? "")\n\n^")
            }
            // It is live again.
            try await writer.send("SEND\ndestination:/topic/chat\\c1\nreceipt:r\n\nlast^")
            #expect(try await writer.next() == "RECEIPT\nreceipt-id:r\n\n^")
            #expect(try await client.message().body == "last")
            for client in [client, writer] { await client.close() }
        }
    }

    @Test("what nobody acknowledges comes again after its time, and what is refused at once")
    func again() async throws {
        try await withNode("one", flags: Self.flags + ["--stomp-ack-timeout", "4s"]) { node in
            let client = try await STOMPClient.connect(node.port)
            _ = try await client.subscribe("a", headers: "ack:client-individual\n")
            try await client.send("SEND\ndestination:a\n\nx^")
            let first = try await client.message()
            let second = try await client.message()
            #expect(first.body == "x" && second.body == "x" && first.headers["ack"] == second.headers["ack"])
            #expect(first.headers["redelivered"] == nil && second.headers["redelivered"] == "1")
            try await client.send("NACK\nid:\(first.headers["ack"] ?? "")\n\n^")
            // A slow machine may have it come once more by itself.
            let third = try await client.message()
            #expect(third.body == "x" && third.headers["redelivered"] == "2")
            await client.close()
        }
    }

    @Test("who acknowledges nothing is ended where nothing keeps what follows, and gets no more where a history does")
    func silent() async throws {
        try await withNode("one", flags: Self.flags) { node in
            let silent = try await STOMPClient.connect(node.port)
            _ = try await silent.subscribe("a", headers: "ack:client\nprefetch-count:2\n")
            let patient = try await STOMPClient.connect(node.port)
            _ = try await patient.subscribe("chat\\c1", headers: "ack:client\nprefetch-count:2\n")
            let writer = try await STOMPClient.connect(node.port)
            for number in 1...5 {
                try await writer.send("SEND\ndestination:a\n\n\(number)^SEND\ndestination:chat\\c1\n\n\(number)^")
            }
            for number in 1...2 {
                #expect(try await silent.message().body == "\(number)")
                #expect(try await patient.message().body == "\(number)")
            }
            #expect(try await silent.next() == "close 3008")
            try await patient.send("DISCONNECT\nreceipt:d\n\n^")
            #expect(try await patient.next() == "RECEIPT\nreceipt-id:d\n\n^")
            #expect(try await patient.next() == "close 1000")
            for client in [silent, patient, writer] { await client.close() }
            try await eventually("all are gone") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test(
        "a user's queue is heard by all clients of that user and by no other, and a backend reaches it by its channel")
    func userQueue() async throws {
        try await TestTokens.withNode(flags: ["--users", "publish"]) { node in
            func client(_ user: String) async throws -> STOMPClient {
                let token = try await TestTokens.make(#"{"sub":"\#(user)","exp":\#(TestTokens.time(in: 600))}"#)
                let client = try await STOMPClient.connect(node.port, headers: "passcode:\(token)\n")
                _ = try await client.subscribe("/user/queue/inbox")
                return client
            }
            let (first, second, other) = (try await client("42"), try await client("42"), try await client("7"))
            try await first.send("SEND\ndestination:/user/queue/inbox\n\nmine^")
            for client in [first, second] {
                let (headers, body) = try await client.message()
                #expect(body == "mine" && headers["destination"] == "/user/queue/inbox")
            }
            _ = try await node.publish("inbox#7", "1")
            #expect(try await other.message().body == "1")
            // By its channel's name it is as closed as by any other way.
            try await other.send("SUBSCRIBE\nid:x\ndestination:inbox#42\n\n^")
            #expect(try await other.next().contains("permission denied"))
            for client in [first, second, other] { await client.close() }
        }
    }
}
