import FanfareTestKit
import Testing

/// What is kept between two polls of a cursor has bounds: in bytes, in number, of all together, and as many pollers as places.
@Suite("Cluster: bounds of what is kept for polls", .serialized)
struct PollBufferTests {
    @Test("more than a client's queue holds is not kept: the poller is told, and gets what comes from then on")
    func bytes() async throws {
        let flags = ["--max-queue-bytes", "128KiB", "--poll-gap", "60s", "--slow-timeout", "10m"]
        try await withNode(flags: flags) { node in
            let poller = PollClient(port: node.port, channel: "a")
            let first = try await poller.poll("cursor=new&wait=0")
            let neighbour = try await node.raw("a")
            let text = String(repeating: "x", count: 40_000)
            for _ in 0..<10 { try await node.publish("a", "\"\(text)\"") }
            for _ in 0..<10 { #expect(try await neighbour.nextText().count == text.count + 2) }
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1)
            #expect(try await node.metric("fanfare_queue_bytes") == 0)
            let second = try await poller.poll("cursor=\(first.cursor ?? "")&wait=0")
            #expect(second.lines == [#"{"event":"reset"}"#])
            try await node.publish("a", "1")
            let third = try await poller.poll("cursor=\(second.cursor ?? "")")
            #expect(third.lines == [#"{"data":1}"#])
            await neighbour.close()
        }
    }

    @Test("pollers between two polls hold places of the node, and give them back when they don't come again")
    func places() async throws {
        try await withNode(flags: ["--max-connections", "5", "--poll-gap", "15s"]) { node in
            let poller = PollClient(port: node.port, channel: "a")
            var refused = 0
            for _ in 0..<12 where try await poller.poll("cursor=new&wait=0").head.status == 503 { refused += 1 }
            // A poll takes a place of its own while it begins one.
            #expect(refused >= 7)
            #expect(try await node.metric(#"fanfare_clients{protocol="raw",transport="poll_cursor"}"#) <= 5)
            #expect(
                try await node.metric(#"fanfare_connections_refused_total{reason="connection_limit"}"#)
                    == Double(refused))
            try await eventually("they are gone") { try await node.metric("fanfare_connections") == 0 }
            #expect(try await poller.poll("cursor=new&wait=0").head.status == 204)
        }
    }

    @Test("many small messages for many pollers count as the memory that they take, and the node's bound holds")
    func memory() async throws {
        let flags = ["--max-node-queue-bytes", "2MiB", "--poll-gap", "60s", "--slow-timeout", "10m", "--loops", "1"]
        try await withNode(flags: flags) { node in
            let poller = PollClient(port: node.port, channel: "a")
            for _ in 0..<100 { #expect(try await poller.poll("cursor=new&wait=0").head.status == 204) }
            let neighbour = try await node.raw("a")
            // A hundred arrays of 700 places are above it. The messages are 8 KB in all, and shared.
            for number in 0..<700 {
                #expect(try await node.publish("a", "\(number)").status == 200)
                #expect(try await neighbour.nextText() == "\(number)")
            }
            #expect(try await node.metric("fanfare_queue_cuts_total") > 0)
            #expect(try await node.metric("fanfare_queue_memory_bytes") <= 2_097_152 + 65_536)
            try await node.publish("a", #""still""#)
            #expect(try await neighbour.nextText() == #""still""#)
            await neighbour.close()
        }
    }
}
