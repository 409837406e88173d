import FanfareTestKit
import Foundation
import Testing

/// Refusals after which a reader should come back: an `EventSource` hears them as a stream that ends, all others as a status.
@Suite("Cluster: streams that have to wait", .serialized)
struct StreamRefusalTests {
    /// Asks for a stream in three ways and checks what each is told; the node must refuse all.
    private func expectWait(_ node: Node, status: Int = 503) async throws {
        let browser = try await StreamClient.connect(node.port, "/channels/a/sse")
        try expectRetry(browser.answer)
        try await browser.readToEnd()
        for (form, accept) in [("sse", "*/*"), ("sse", "text/event-stream, application/json"), ("stream", "*/*")] {
            let other = try await StreamClient.connect(
                node.port, "/channels/a/\(form)", headers: ["Accept": accept])
            #expect(other.answer.status == status && other.answer["retry-after"] != nil, "\(form) with \(accept)")
            #expect(other.answer["content-type"] == "text/plain; charset=utf-8")
            await other.close()
        }
    }

    /// An event stream that says nothing but when to come back.
    private func expectRetry(_ answer: HTTPAnswer) throws {
        #expect(answer.status == 200 && answer["content-type"] == "text/event-stream", "\(answer.body)")
        #expect(answer["cache-control"] == "no-cache, no-transform")
        var reader = EventStreamReader()
        reader.feed(answer.body.utf8)
        let retry = try #require(reader.reconnectionTime, "\(answer.body)")
        #expect((2_000...4_000).contains(retry) && reader.events.isEmpty && reader.comments == 1)
    }

    private func refusals(_ node: Node, _ reason: String) async throws -> Double {
        try await node.metric("fanfare_connections_refused_total{reason=\"\(reason)\"}")
    }

    @Test("a full node: until there is a place, then a stream")
    func full() async throws {
        try await withNode(flags: ["--max-connections", "1"]) { node in
            let first = try await node.events("a")
            try await expectWait(node)
            #expect(try await refusals(node, "connection_limit") == 4)
            await first.close()
            try await eventually("there is a place") {
                let client = try await node.events("a")
                await client.close()
                return client.answer["transfer-encoding"] == "chunked"
            }
        }
    }

    @Test("more readers in a second than may come")
    func connectRate() async throws {
        try await withNode(flags: ["--max-connect-rate", "1", "--max-connections", "1000"]) { node in
            try await eventually("the rate is used up") {
                _ = try await node.events("a")
                return try await refusals(node, "connect_rate") > 0
            }
            let refused = try await (0..<20).asyncMap { _ in try await node.events("a").answer }
                .filter { $0["transfer-encoding"] == nil }
            #expect(!refused.isEmpty)
            for answer in refused { try expectRetry(answer) }
        }
    }

    @Test("more readers of an address, or of a user, than may stay")
    func addressAndUser() async throws {
        let token = try await TestTokens.make(#"{"sub":"42"}"#)
        let flags = [
            "--max-connections-per-user", "1", "--max-connections-per-address", "2", "--trusted-proxies", "none",
        ]
        try await TestTokens.withNode(flags: flags) { node in
            let bearer = ["Authorization": "Bearer \(token)"]
            let first = try await node.events("a", headers: bearer)
            try expectRetry(try await node.events("a", headers: bearer).answer)
            #expect(try await refusals(node, "user_limit") == 1)
            let other = try await TestTokens.make(#"{"sub":"43"}"#)
            let second = try await node.events("a", headers: ["Authorization": "Bearer \(other)"])
            let third = try await TestTokens.make(#"{"sub":"44"}"#)
            let refused = try await StreamClient.connect(
                node.port, "/channels/a/sse", headers: ["Accept": "*/*", "Authorization": "Bearer \(third)"])
            #expect(refused.answer.status == 429 && refused.answer["retry-after"] != nil)
            try expectRetry(try await node.events("a", headers: ["Authorization": "Bearer \(third)"]).answer)
            #expect(try await refusals(node, "address_limit") == 2)
            for client in [first, second, refused] { await client.close() }
        }
    }

    @Test("without Redis nobody is told that it listens; readers that listen already stay")
    func noBroker() async throws {
        try await withRedis { redis in
            try await withNode(redis: redis.url) { node in
                let stays = try await node.events("b")
                await redis.kill()
                try await eventually("it is not ready") { !(await node.isReady()) }
                try await expectWait(node)
                try await redis.restart()
                try await eventually("it is ready") { await node.isReady() }
                let again = try await node.events("a")
                for channel in ["a", "b"] { try await node.publish(channel, "1") }
                for client in [stays, again] {
                    #expect(try await client.nextText() == "1")
                    await client.close()
                }
            }
        }
    }

    @Test("a node that restarts, on a connection that was kept; a POST is told by its status, whatever it accepts")
    func draining() async throws {
        try await withNode(flags: ["--drain", "60s"]) { node in
            // The drain goes on until the last one is gone.
            var crowd: [StreamClient] = []
            for _ in 0..<10 { crowd.append(try await node.events("b")) }
            var kept: [(socket: SocketClient, accept: String)] = []
            for accept in ["text/event-stream", "*/*", "text/event-stream"] {
                let socket = try await SocketClient.connect(node.port)
                try await socket.send("OPTIONS /channels/a/sse HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }?.status == 204)
                kept.append((socket, accept))
            }
            node.terminate()
            try await eventually("it drains") { !(await node.isReady()) }
            for (index, (socket, accept)) in kept.enumerated() {
                // A POST that was not done must not look as if it was.
                let line = index < 2 ? "GET /channels/a/sse" : "POST /channels/a"
                try await socket.send(
                    "\(line) HTTP/1.1\r\nHost: a\r\nAccept: \(accept)\r\nContent-Length: 0\r\n\r\n")
                let answer = try #require(try await socket.receive("an answer") { HTTPAnswer.parse(&$0) })
                if index > 0 {
                    #expect(answer.status == 503 && answer["retry-after"] != nil)
                } else {
                    try expectRetry(answer)
                }
                await socket.close()
            }
            for client in crowd { await client.close() }
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
