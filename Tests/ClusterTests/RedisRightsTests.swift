import FanfareTestKit
import Testing

/// A Redis user that lacks rights: nodes say which, and all goes on when it has them.
@Suite("Cluster: a Redis user without rights", .serialized)
struct RedisRightsTests {
    private static let documented = [
        "~fanfare:*", "resetchannels", "&fanfare:*", "+@connection", "+@read", "+@write", "+@pubsub", "+@scripting",
        "+info", "+time",
    ]

    private func withUser(_ taken: [String], _ body: (RedisServer, _ url: String) async throws -> Void) async throws {
        try await withRedis { redis in
            let rights = ["ACL", "SETUSER", "f", "on", ">secret"] + Self.documented + taken
            _ = try await redis.tool(["-p", "\(redis.port)"] + rights)
            try await body(redis, "redis://f:secret@127.0.0.1:\(redis.port)")
        }
    }

    private func says(_ node: Node, _ problem: String) async throws {
        try await eventually("it says '\(problem)': \(node.log)") {
            let answer = try await HTTP.get(node.adminPort, "/readyz")
            return answer.status == 503 && answer.body.contains(problem)
        }
    }

    @Test(
        "without rights to the channels of the control bus: the node says what it needs, and sessions begin when it has it"
    )
    func control() async throws {
        let clients = ["resetchannels", "&fanfare:[a-z]*", #"&fanfare:\*probe:*"#]
        try await withUser(clients) { redis, url in
            let flags = ["--namespaces", "h: history=10/1m recovery"]
            try await withNode(redis: url, flags: flags, isReady: false) { node in
                try await says(node, "the user may not run SUBSCRIBE for all channels of the node, it needs &fanfare:*")
                // Its requests could not come in elsewhere.
                let refused = try await EmulatedClient.open(
                    node.port, .lines, first: #"{"id":1,"connect":{}}"#, headers: ["Accept": "*/*"])
                #expect(refused.stream.answer.status == 503 && refused.stream.answer["retry-after"] != nil)
                await refused.close()
                try await redis.command("ACL", "SETUSER", "f", "&fanfare:*")
                try await eventually("it is ready") { await node.isReady() }
                try await emulates(node)
                let poller = PollClient(port: node.port, channel: "h:a")
                let position = try #require(try await poller.poll("wait=0").position)
                try await node.publish("h:a", "1")
                #expect(try await poller.poll("since=\(position)").lines.count == 1)
                let session = SockJSClient(node.port, "channels/h:a")
                try await session.open()
                #expect(try await session.send(["2"]) == 204)
                #expect(try await session.messages(1) == ["2"])
            }
        }
    }

    private func emulates(_ node: Node) async throws {
        let client = try await EmulatedClient.connect(node.port, .lines)
        let subscribed = try await client.command(#""subscribe":{"channel":"h:b"}"#, through: node.port)
        #expect(subscribed.errorCode == nil, "\(subscribed.text)")
        try await node.publish("h:b", "1")
        #expect(try await client.nextData() == "1")
        await client.close()
    }
}
