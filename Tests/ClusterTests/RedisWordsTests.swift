import FanfareTestKit
import Testing

@Suite("Cluster: Redis' words")
struct RedisWordsTests {
    @Test("a password that a server quotes is neither in /readyz nor in the log")
    func quoted() async throws {
        for word in ["AUTH", "PING"] {
            try await WordyRedis.run { verb in
                verb == word
                    ? "ERR unknown command '\(word)', with args beginning with: 'operator' 'hunter2secret'" : nil
            } _: { server in
                let node = try await Node.start(
                    flags: ["--log-level", "debug"],
                    environment: ["FANFARE_REDIS": "redis://operator:hunter2secret@127.0.0.1:\(server.port)"],
                    isReady: false)
                try await eventually("the node says what was refused") {
                    try await HTTP.get(node.adminPort, "/readyz").body.contains("\(word) refused")
                }
                let answer = try await HTTP.get(node.adminPort, "/readyz")
                #expect(answer.status == 503 && !answer.body.contains("hunter2secret"), "\(answer.body)")
                #expect(!answer.body.contains("operator"), "\(answer.body)")
                await node.stop()
                #expect(node.log.contains("\(word) refused") && !node.log.contains("hunter2secret"), "\(node.log)")
            }
        }
    }

    @Test("clients and backends learn that Redis refused, the log learns what it said")
    func refused() async throws {
        try await withRedis { redis in
            let node = try await Node.start(redis: redis.url, flags: ["--namespaces", "h: history=10/1m recovery"])
            _ = try await HTTP.post(node.adminPort, "/api/publish", #"{"channel":"h:1","data":0}"#)
            // A key of another type where the stream was.
            _ = try await redis.command("SET", "fanfare:{h:1}:stream", "x")
            let client = try await node.centrifuge()
            let answers = try await [
                client.publish("h:1", "1").text,
                client.command(#""history":{"channel":"h:1","limit":5}"#).text,
                HTTP.post(node.port, "/channels/h:1", "1").body,
                HTTP.post(node.adminPort, "/api/publish", #"{"channel":"h:1","data":1}"#).body,
                HTTP.post(node.adminPort, "/api/history", #"{"channel":"h:1","limit":5}"#).body,
            ]
            for answer in answers where !answer.contains("permission denied") {
                #expect(answer.contains("broker refused the command"), "\(answer)")
            }
            #expect(!answers.joined().contains("WRONGTYPE") && !answers.joined().contains("user_script"))
            try await eventually("the log has the words") { node.log.contains("WRONGTYPE") }
            await client.close()
            await node.stop()
        }
    }
}
