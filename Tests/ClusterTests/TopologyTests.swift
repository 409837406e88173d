import FanfareTestKit
import Testing

/// Two real nodes on every way to set Redis up.
@Suite("Cluster: Redis topologies", .serialized)
struct TopologyTests {
    /// What is published at either node is heard at both, over channels that live in different places.
    private func carries(_ redis: String) async throws {
        let first = try await Node.start("first", redis: redis)
        let second = try await Node.start("second", redis: redis)
        do {
            // Kept until the end: a client that is let go leaves its channel.
            var clients: [WebSocketClient] = []
            for number in 0..<8 {
                let here = try await first.raw("c\(number)")
                let there = try await second.raw("c\(number)")
                clients += [here, there]
                try await here.send("from first \(number)")
                #expect(try await there.nextText() == "from first \(number)")
                #expect(try await here.nextText() == "from first \(number)")
                try await there.send("from second \(number)")
                #expect(try await here.nextText() == "from second \(number)")
                #expect(try await there.nextText() == "from second \(number)")
            }
            #expect(try await first.metric("fanfare_redis_up") == 1)
            #expect(try await first.metric("fanfare_broker_channels") == 8)
            #expect(clients.count == 16)
        } catch {
            await first.stop()
            await second.stop()
            throw error
        }
        await first.stop()
        await second.stop()
    }

    @Test("several isolated instances share the channels")
    func shards() async throws {
        try await withRedis { one in
            try await withRedis { two in try await carries("\(one.url) \(two.url)") }
        }
    }

    @Test("a Redis Cluster")
    func cluster() async throws {
        try await withRedisCluster { try await carries("redis+cluster://127.0.0.1:\($0.servers[0].port)") }
    }

    @Test("a master that sentinels name")
    func sentinels() async throws {
        try await withSentinels { try await carries("redis+sentinel://\($0.authority)") }
    }
}
