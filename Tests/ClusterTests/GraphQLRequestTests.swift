import FanfareTestKit
import FanfareWire
import Foundation
import Testing

/// `POST /graphql`.
@Suite("Cluster: GraphQL over HTTP")
struct GraphQLRequestTests {
    private static let json = ["Content-Type": "application/json; charset=utf-8"]
    private static let flags = [
        "--namespaces", "chat: history=50/10m recovery read-history=clients; *: publish=clients",
    ]

    private static func body(_ query: String) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: ["query": query]), as: UTF8.self)
    }

    private static func post(_ node: Node, _ query: String, _ fields: [String: String] = [:]) async throws -> HTTPAnswer
    {
        try await HTTP.post(node.port, "/graphql", try body(query), headers: json.merging(fields) { $1 })
    }

    @Test("queries and mutations are answered with their result, and WebSockets hear what was published")
    func answers() async throws {
        try await withNode("one", flags: Self.flags) { node in
            let client = try await GraphQLClient.connect(node.port)
            try await client.start("a", "subscription { channel(name: \"chat:1\", last: 9) { data } }")
            let published = try await Self.post(node, "mutation { publish(channel: \"chat:1\", data: [1]) { offset } }")
            #expect(published.status == 200 && published.body == #"{"data":{"publish":{"offset":1}}}"#)
            #expect(published["content-type"] == "application/json; charset=utf-8")
            #expect(try await client.next() == #"{"id":"a","type":"next","payload":{"data":{"channel":{"data":[1]}}}}"#)
            let history = try await Self.post(node, "{ history(channel: \"chat:1\") { publications { data } offset } }")
            #expect(history.body == #"{"data":{"history":{"publications":[{"data":[1]}],"offset":1}}}"#)
            let wrong = try await Self.post(node, "{ nodes }")
            #expect(wrong.status == 200 && wrong.body.hasPrefix(#"{"errors":["#))
            await client.close()
            try await eventually("all are gone") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("what is no GraphQL request is refused before anything is done")
    func refusals() async throws {
        try await withNode("one", flags: Self.flags) { node in
            for (body, fields, status) in [
                ("{\"query\":\"{ node { name } }\"}", ["Content-Type": "text/plain"], 415),
                ("{\"query\":\"{ node { name } }\"}", [:], 415), ("{\"query\":1}", Self.json, 400),
                ("[", Self.json, 400),
                ("{\"query\":\"{ node { name } }\",\"variables\":[]}", Self.json, 400),
            ] {
                let answer = try await HTTP.post(node.port, "/graphql", body, headers: fields)
                #expect(answer.status == status, "\(answer)")
            }
        }
        try await withNode("two", flags: ["--token-hmac-secret", "a-secret-of-at-least-thirty-two-bytes"]) { node in
            let answer = try await Self.post(node, "{ node { name } }", ["Authorization": "Bearer bad"])
            #expect(answer.status == 401)
        }
        try await withNode("three", flags: ["--anonymous", "publish"], dev: false) { node in
            let answer = try await Self.post(node, "{ node { name } }")
            #expect(answer.status == 404 && answer.body.contains("with --dev"), "\(answer)")
        }
    }

    @Test("a subscription is an event stream, on any node, that ends without a word when the node drains")
    func events() async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in
                    let query = try Self.body("subscription { channel(name: \"chat:1\", last: 50) { data } }")
                    let fields = Self.json.merging(["Accept": "text/event-stream"]) { $1 }
                    let stream = try await StreamClient.connect(
                        one.port, "/graphql", headers: fields, method: "POST", body: query)
                    #expect(stream.answer.status == 200 && stream.answer["content-type"] == "text/event-stream")
                    for number in 0..<40 { try await (number % 2 == 0 ? one : two).publish("chat:1", "\(number)") }
                    for number in 0..<40 {
                        #expect(
                            try await stream.next()
                                == .init(type: "next", data: ExactText(#"{"data":{"channel":{"data":\#(number)}}}"#)))
                    }
                    // A query ends by itself.
                    let short = try await StreamClient.connect(
                        two.port, "/graphql", headers: fields, method: "POST",
                        body: try Self.body("{ history(channel: \"chat:1\") { offset } }"))
                    #expect(
                        try await short.next() == .init(type: "next", data: #"{"data":{"history":{"offset":40}}}"#))
                    #expect(try await short.next() == .init(type: "complete", data: ""))
                    #expect(try await short.next() == nil)
                    one.terminate()
                    #expect(try await stream.next() == nil && stream.chunks?.hasEnded == true)
                    for stream in [short, stream] { await stream.close() }
                }
            }
        }
    }

    @Test("publishing by requests is held to the rate of its address, like publishing by POST")
    func rates() async throws {
        try await withNode("one", flags: Self.flags + ["--max-publish-rate", "1", "--trusted-proxies", "none"]) {
            node in
            var answers: [String] = []
            for _ in 0..<30 {
                answers.append(
                    try await Self.post(node, "mutation { publish(channel: \"chat:1\", data: 1) { offset } }").body)
            }
            #expect(answers[0].contains(#""offset":1"#) && answers.contains { $0.contains("TRY_AGAIN_LATER") })
        }
    }
}
