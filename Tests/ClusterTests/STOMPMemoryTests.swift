import FanfareTestKit
import Testing

/// What clients keep the node from letting go counts with the queues of all.
@Suite("Cluster: memory that STOMP clients hold")
struct STOMPMemoryTests {
    private static let flags = [
        "--namespaces", "chat: history=500/10m recovery; *: publish=clients", "--max-node-queue-bytes", "1MiB",
        "--max-queue-bytes", "1MiB",
    ]
    private static let limit = 1_048_576.0

    private func memory(_ node: Node) async throws -> Double { try await node.metric("fanfare_queue_memory_bytes") }

    /// Reads what comes, to the end.
    private func end(_ client: STOMPClient) async throws -> String {
        while true {
            let text = try await client.next()
            if text == "end" || text.hasPrefix("close ") { return text }
        }
    }

    /// The node has cut somebody for its memory, it is within its limit, and holds nothing when all are gone.
    private func check(_ node: Node, _ silent: [STOMPClient]) async throws {
        try await eventually("the node holds no more than it may") {
            let cut = try await node.metric("fanfare_queue_cuts_total")
            let held = try await memory(node)
            return cut > 0 && held <= Self.limit
        }
        let cut = Int(try await node.metric("fanfare_queue_cuts_total"))
        let ends = try await withThrowingTaskGroup(of: String.self) { group in
            for client in silent { group.addTask { try await self.end(client) } }
            var ends: [String] = []
            for _ in 0..<cut { ends.append(try await group.next() ?? "") }
            for client in silent { await client.close() }
            try await group.waitForAll()
            return ends
        }
        #expect(ends.allSatisfy { $0 == "close 3008" }, "\(ends)")
        try await eventually("nothing is held") { try await memory(node) == 0 }
    }

    @Test("messages that nobody acknowledges are cut where they are too much for the node, and others go on")
    func windows() async throws {
        try await withNode(flags: Self.flags) { node in
            var silent: [STOMPClient] = []
            for _ in 0..<4 {
                let client = try await STOMPClient.connect(node.port)
                _ = try await client.subscribe("chat\\c1", headers: "ack:client\n")
                silent.append(client)
            }
            let body = String(repeating: "x", count: 10_000)
            for _ in 0..<60 { try await node.publish("chat:1", "\"\(body)\"") }
            try await check(node, silent)

            let good = try await STOMPClient.connect(node.port)
            _ = try await good.subscribe("chat\\c1", headers: "ack:client\n")
            for _ in 0..<200 {
                try await node.publish("chat:1", "\"\(body)\"")
                try await good.send("ACK\nid:\(try await good.message().headers["ack"] ?? "")\n\n^")
            }
            try await eventually("all is acknowledged") { try await memory(node) == 0 }
            await good.close()
        }
    }

    @Test("transactions that nobody commits are cut where they are too much for the node; what is committed is let go")
    func transactions() async throws {
        try await withNode(flags: Self.flags) { node in
            let (body, good) = (String(repeating: "x", count: 60_000), try await STOMPClient.connect(node.port))
            func fill(_ client: STOMPClient) async throws {
                try await client.send("BEGIN\ntransaction:t\n\n^")
                for number in 0..<3 {
                    try await client.send(
                        "SEND\ndestination:a\ntransaction:t\nreceipt:\(number)\n\n\(body)^")
                }
            }
            try await fill(good)
            for number in 0..<3 { #expect(try await good.next() == "RECEIPT\nreceipt-id:\(number)\n\n^") }
            #expect(try await memory(node) >= 180_000)
            try await good.send("COMMIT\ntransaction:t\nreceipt:c\n\n^")
            #expect(try await good.next() == "RECEIPT\nreceipt-id:c\n\n^")
            try await eventually("what was committed is let go") { try await memory(node) == 0 }
            await good.close()

            var silent: [STOMPClient] = []
            for _ in 0..<8 {
                let client = try await STOMPClient.connect(node.port)
                silent.append(client)
                // One that is cut meanwhile may be gone.
                try? await fill(client)
            }
            try await check(node, silent)
        }
    }
}
