import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// What a client reads is charged by what it brings: many small publications, answers that are refused, what is missed.
@Suite("Cluster: what reads cost", .serialized)
struct ReadCostTests {
    private static let flags = [
        "--namespaces", "h: history=1000/10m recovery read-history=clients", "--max-read-rate", "1",
    ]

    /// Publishes small numbers.
    private func fill(_ node: Node, _ channel: String, _ count: Int) async throws {
        for first in stride(from: 0, to: count, by: 50) {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in first..<min(count, first + 50) {
                    group.addTask { try await node.publish(channel, "1").status }
                }
                for try await status in group { #expect(status == 200) }
            }
        }
    }

    private func history(_ channel: String, _ ids: ClosedRange<Int>) -> String {
        ids.map { "{\"id\":\($0),\"history\":{\"channel\":\"\(channel)\",\"limit\":-1}}" }.joined(separator: "\n")
    }

    /// Reads a history twice; milliseconds after which the second may be tried again, and what went by meanwhile at most.
    private func debt(_ node: Node, _ channel: String, error: Int? = nil) async throws -> (wait: Int, passed: Int) {
        let client = try await node.centrifuge()
        let began = ContinuousClock.now
        try await client.socket.send(history(channel, 11...12))
        let (first, second) = try await (client.read(), client.read())
        #expect(first.id == 11 && first.errorCode == error, "\(first.text.prefix(200))")
        #expect(second.id == 12 && second.errorCode == 111)
        let passed = ContinuousClock.now - began
        await client.close()
        return (try #require(second.retryAfter), Int(passed / .milliseconds(1)) + 1)
    }

    @Test(
        "a thousand publications of one byte are ten reads, and half a megabyte that is refused for its size is eight")
    func histories() async throws {
        try await withNode(flags: Self.flags) { node in
            try await fill(node, "h:small", 1_000)
            let small = try await debt(node, "h:small")
            #expect(small.wait <= 10_000 && small.wait + small.passed >= 10_000, "\(small)")
            // Text that no JSON is, and that takes six times as much as JSON.
            let text = String(repeating: "\u{1}", count: 50_000)
            for _ in 0..<10 { #expect(try await HTTP.post(node.port, "/channels/h:text", text).status == 200) }
            let refused = try await debt(node, "h:text", error: 106)
            #expect(refused.wait <= 8_000 && refused.wait + refused.passed >= 8_000, "\(refused)")
        }
    }

    @Test("over Redis a reader at its allowed rate gets so many entries in a second, and no more")
    func overRedis() async throws {
        try await withRedis { redis in
            let flags = Self.flags.dropLast() + ["50"]
            try await withNode("one", redis: redis.url, flags: Array(flags)) { node in
                try await fill(node, "h:small", 1_000)
                let client = try await node.centrifuge()
                let began = ContinuousClock.now
                try await client.socket.send(history("h:small", 1_001...1_256))
                var answered = 0
                for id in 1_001...1_256 {
                    let reply = try await client.read()
                    #expect(reply.id == id && [nil, 111].contains(reply.errorCode))
                    if reply.errorCode == nil { answered += 1 }
                }
                // A bucket of 50 at ten each, the one with which it overflows, and five a second.
                let seconds = Int((ContinuousClock.now - began).components.seconds) + 1
                #expect((5...(6 + 5 * seconds)).contains(answered), "\(answered) in \(seconds) s")
                await client.close()
            }
        }
    }

    @Test(
        "what a subscription recovers is charged, and also what was read for one that gets nothing of it",
        arguments: [
            (#""recover":true,"offset":101"#, true), (#""recover":true,"offset":1"#, false),
            (#""recover":true,"offset":101,"tf":{"key":"n","cmp":"eq","val":"1"}"#, true),
        ])
    func recoveries(fields: String, isRecovered: Bool) async throws {
        let flags = [
            "--namespaces", "h: history=1000/10m recovery tags-filter read-history=clients", "--max-read-rate", "1",
        ]
        try await withNode(flags: flags) { node in
            try await fill(node, "h:a", 1_101)
            let client = try await node.centrifuge()
            let position = try await client.command(#""history":{"channel":"h:a"}"#)
            let pattern = try #require(position.text.range(of: "\"epoch\":\""))
            let epoch = position.text[pattern.upperBound...].prefix { $0 != "\"" }
            let throttled = #"fanfare_throttled_total{limit="read"}"#
            #expect(try await node.metric(throttled) == 0)
            let reply = try await client.command(
                "\"subscribe\":{\"channel\":\"h:a\",\(fields),\"epoch\":\"\(epoch)\"}")
            #expect(reply.errorCode == nil && reply.text.contains("\"recovered\":true") == isRecovered)
            try await eventually("it is held back for what was read") { try await node.metric(throttled) == 1 }
            await client.close()
        }
    }

    @Test("a client with default limits that recovers a thousand messages is not held back, nor are a hundred at once")
    func honest() async throws {
        try await withNode(flags: Array(Self.flags.dropLast(2))) { node in
            try await fill(node, "h:chat", 1_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        let client = try await node.centrifuge()
                        let reply = try await client.command(
                            #""subscribe":{"channel":"h:chat","recover":true,"offset":0,"epoch":""}"#)
                        #expect(reply.errorCode == nil && reply.text.contains(#""recovered":true"#))
                        #expect(reply.text.components(separatedBy: #""data":1"#).count == 1_001)
                        #expect(try await client.command(#""ping":{}"#).errorCode == nil)
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await node.metric(#"fanfare_throttled_total{limit="read"}"#) == 0)
            #expect(try await node.metric(#"fanfare_rate_refusals_total{limit="read"}"#) == 0)
        }
    }

    @Test("polls of an address that read a thousand publications each are told to wait after a thousand of them")
    func polls() async throws {
        let flags =
            Self.flags + [
                "--trusted-proxies", "127.0.0.1", "--anonymous", "publish", "--max-connect-rate-per-address", "0",
                "--max-connect-rate", "100000",
            ]
        try await withNode(flags: flags, dev: false) { node in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<1_000 {
                    group.addTask {
                        try await HTTP.post(
                            node.port, "/channels/h:a", "1", headers: ["X-Forwarded-For": "192.0.2.\(number % 200)"]
                        ).status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            func poll(_ address: String) async throws -> HTTPAnswer {
                try await HTTP.get(
                    node.port, "/channels/h:a/poll?last=1000", headers: ["X-Forwarded-For": address])
            }
            var taken = 0
            while taken < 1_300 {
                // Something new, or nobody is asked again.
                let status = try await HTTP.post(
                    node.port, "/channels/h:a", "1", headers: ["X-Forwarded-For": "192.0.2.\(taken % 200)"]
                ).status
                #expect(status == 200)
                let answer = try await poll("198.51.100.1")
                guard answer.status == 200 else {
                    #expect(answer.status == 503 && answer["retry-after"] != nil, "\(answer)")
                    break
                }
                taken += 1
            }
            #expect((1_000..<1_300).contains(taken), "\(taken)")
            #expect(try await node.metric(#"fanfare_connections_refused_total{reason="recoveries"}"#) == 1)
            #expect(try await poll("198.51.100.2").status == 200, "others have their own")
        }
    }
}
