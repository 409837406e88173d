import FanfareTestKit
import Testing

@Suite("What became of a publish without an answer")
struct OutcomeTests {
    private func publish(_ node: Node, _ data: String, key: String) async throws -> HTTPAnswer {
        try await HTTP.post(
            node.adminPort, "/api/publish", #"{"channel":"lobby","data":\#(data),"idempotency_key":"\#(key)"}"#)
    }

    @Test("Redis frozen: 503 with an unknown outcome, then with nothing published, and a retry with the key comes once")
    func frozen() async throws {
        // Long between probes, so that the link that hears is not dropped while Redis stands still; and time for both publishes to be
        // sent before the other link is.
        let flags = ["--redis-timeout", "6s", "--redis-probe-interval", "60s"]
        try await withRedis { redis in
            try await withNode(redis: redis.url, flags: flags) { node in
                let listener = try await node.raw("lobby")
                redis.freeze()
                async let posted = HTTP.post(node.port, "/channels/lobby", "posted")
                let first = try await publish(node, #""keyed""#, key: "k")
                #expect(first.status == 503 && first.body.contains(#""outcome":"unknown""#), "\(first.body)")
                #expect(first.body.contains("try again with the same idempotency_key"), "\(first.body)")
                let raw = try await posted
                #expect(raw.status == 503 && raw["fanfare-outcome"] == "unknown", "\(raw.body)")
                #expect(raw.body.contains("it may have been published"), "\(raw.body)")
                // The link is down now: nothing is even sent.
                let refused = try await publish(node, #""never""#, key: "n")
                #expect(refused.status == 503)
                #expect(refused.body.contains(#""outcome":"not_published""#), "\(refused.body)")
                let other = try await HTTP.post(node.port, "/channels/lobby", "never")
                #expect(other.status == 503 && other["fanfare-outcome"] == "not_published", "\(other.body)")
                redis.thaw()
                try await eventually("it is ready") { await node.isReady() }
                let again = try await publish(node, #""keyed""#, key: "k")
                #expect(again.status == 200, "\(again.body)")
                #expect(try await publish(node, #""end""#, key: "e").status == 200)
                var heard: [String] = []
                while heard.last != #""end""# { heard.append(try await listener.nextText()) }
                #expect(heard.count { $0 == #""keyed""# } == 1, "\(heard)")
                #expect(heard.count { $0 == "posted" } <= 1 && !heard.contains { $0.contains("never") }, "\(heard)")
            }
        }
    }
}
