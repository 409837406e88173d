import FanfareTestKit
import Testing

/// Thousands of clients come or go in one moment, and those who were there notice nothing.
@Suite("Cluster: storms", .serialized)
struct StormTests {
    private let crowd = 2_000
    /// The crowd answers no pings.
    private let flags = ["--ping-interval", "off", "--handshake-timeout", "5m", "--slow-timeout", "10m"]

    @Test("two thousand clients that connect at once do not keep messages from those who are there")
    func arrival() async throws {
        try await withNode(flags: flags) { node in
            let listening = try await Listening.begin(node, channel: "steady", listeners: 3)
            async let longest = listening.run()
            try await eventually("they hear") { listening.heard > 0 }
            let before = listening.heard
            let storm = try Storm(node.port, path: "/channels/storm/ws", count: crowd)
            try await storm.open()
            #expect(listening.heard > before, "nothing was heard until the last one was in")
            #expect(try await node.metric("fanfare_connections") == Double(crowd + 4))
            listening.end()
            #expect(try await longest < .seconds(45))
            storm.reset()
        }
    }

    @Test("two thousand clients that vanish at once take no message from the others and leave nothing behind")
    func departure() async throws {
        try await withNode(flags: flags) { node in
            let listening = try await Listening.begin(node, channel: "storm", listeners: 3)
            let storm = try Storm(node.port, path: "/channels/storm/ws", count: crowd)
            try await storm.open()
            #expect(try await node.metric("fanfare_subscriptions") == Double(crowd + 4))
            async let longest = listening.run()
            // Nobody of the crowd reads: their buffers hold what comes when they are reset.
            try await eventually("they hear") { listening.heard > 10 }
            storm.reset()
            try await eventually("the crowd is gone") {
                let counts = [
                    try await node.metric("fanfare_connections"), try await node.metric("fanfare_subscriptions"),
                ]
                return counts == [4, 4]
            }
            let after = listening.heard
            try await eventually("they go on hearing") { listening.heard > after + 20 }
            listening.end()
            #expect(try await longest < .seconds(45))
            #expect(try await node.metric("fanfare_queue_bytes") == 0)
            #expect(try await node.metric("fanfare_pending_connections") == 0)
        }
    }
}
