import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

/// Polls of channels without history: what comes between two polls of a cursor is kept.
@Suite("Cluster: polls with a cursor", .serialized)
struct PollCursorTests {
    private func numbers(_ answer: PollClient.Answer) -> [Int] {
        answer.lines.compactMap { $0.firstMatch(of: /"data":(\d+)/).flatMap { Int($0.1) } }
    }

    private func publish(_ node: Node, _ numbers: ClosedRange<Int>, _ channel: String = "a") async throws {
        for number in numbers { try await node.publish(channel, "\(number)") }
    }

    /// Two nodes on one Redis that have heard of each other.
    private func withNodes(_ flags: [String] = [], _ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: flags) { one in
                try await withNode("two", redis: redis.url, flags: flags) { two in
                    try await eventually("both nodes are in view") {
                        let seen = try await one.metric("fanfare_nodes")
                        return try await seen + two.metric("fanfare_nodes") == 4
                    }
                    try await body(one, two)
                }
            }
        }
    }

    @Test("what comes between two polls is the next one's, at once; an answer that got lost comes again")
    func keeps() async throws {
        try await withNode { node in
            let client = PollClient(port: node.port, channel: "a")
            let first = try await client.poll("cursor=new&wait=0")
            let cursor = try #require(first.cursor)
            #expect(first.head.status == 204 && cursor.hasSuffix(".0"))
            try await publish(node, 1...3)
            var heard: [Int] = []
            var next = cursor
            while heard.count < 3 {
                let answer = try await client.poll("cursor=\(next)")
                let again = try await client.poll("cursor=\(next)")
                #expect(answer.head.status == 200 && again.lines == answer.lines && again.cursor == answer.cursor)
                #expect(answer.head["cache-control"] == "no-store")
                heard += numbers(answer)
                next = try #require(answer.cursor)
            }
            #expect(heard == [1, 2, 3])
            async let waiting = client.poll("cursor=\(next)&wait=20s")
            try await eventually("it waits") { try await node.metric("fanfare_connections") == 2 }
            try await publish(node, 4...4)
            let fourth = try await waiting
            #expect(numbers(fourth) == [4])
            let nothing = try await client.poll("cursor=\(fourth.cursor ?? "")&wait=100ms")
            #expect(nothing.head.status == 204 && nothing.cursor == fourth.cursor && nothing.lines.isEmpty)
        }
    }

    @Test("what is kept lasts as long as the newest token of its polls, and no longer")
    func tokens() async throws {
        try await TestTokens.withNode(flags: ["--token-leeway", "0", "--expired-grace", "0s"]) { node in
            func poll(_ query: String, _ seconds: Int) async throws -> PollClient.Answer {
                let token = try await TestTokens.make(#"{"sub":"42","exp":\#(TestTokens.time(in: seconds))}"#)
                return try await PollClient(
                    port: node.port, channel: "a", fields: "Authorization: Bearer \(token)\r\n"
                ).poll(query)
            }
            let (kept, lost) = (try await poll("cursor=new&wait=0", 12), try await poll("cursor=new&wait=0", 12))
            let cursor = try #require(kept.cursor)
            #expect(try await poll("cursor=\(cursor)&wait=0", 600).head.status == 204)
            try await eventually("the other has expired") {
                try await node.metric(#"fanfare_disconnects_total{code="3005"}"#) == 1
            }
            try await publish(node, 1...1)
            #expect(numbers(try await poll("cursor=\(cursor)", 600)) == [1])
            let reset = try await poll("cursor=\(lost.cursor ?? "")&wait=0", 600)
            #expect(reset.lines.contains { $0.contains(#""event":"reset""#) }, "\(reset.lines)")
        }
    }

    @Test("who polls on hears everything once and in order, on whichever node or event loop a poll lands")
    func conservation() async throws {
        try await withNodes { one, two in
            let begun = try await PollClient(port: one.port, channel: "a").poll("cursor=new&wait=0")
            var cursor = try #require(begun.cursor)
            let count = 300
            async let published: Void = {
                for number in 1...count { try await publish(number % 2 == 0 ? one : two, number...number) }
            }()
            var (heard, polls) = ([Int](), 0)
            while heard.count < count {
                polls += 1
                let client = PollClient(port: polls % 3 == 0 ? one.port : two.port, channel: "a")
                let answer = try await client.poll("cursor=\(cursor)&wait=5s")
                // One that was given up may come late, and take the place of this one.
                let isDisplaced = answer.head.status == 204 && answer.cursor == cursor
                #expect(answer.head.status == 200 || isDisplaced, "\(answer.head.status) after \(heard.count)")
                heard += numbers(answer)
                cursor = try #require(answer.cursor)
                // A poll whose client gives up, its answer lost.
                guard polls % 10 == 0 else { continue }
                let lost = try await SocketClient.connect(two.port)
                try await lost.send("GET /channels/a/poll?cursor=\(cursor)&wait=20s HTTP/1.1\r\nHost: a\r\n\r\n")
                await lost.close()
            }
            try await published
            #expect(heard == Array(1...count) && polls > 10)
        }
    }

    @Test("a backlog of megabytes comes whole, in answers that end with a line")
    func backlog() async throws {
        try await withNodes(["--max-queue-bytes", "8MiB", "--poll-gap", "60s"]) { one, two in
            let begun = try await PollClient(port: one.port, channel: "a").poll("cursor=new&wait=0")
            var cursor = try #require(begun.cursor)
            for number in 1...60 {
                // Some are longer than an answer.
                let text = String(repeating: "y", count: number % 20 == 0 ? 300_000 : 50_000)
                try await one.publish("a", #"{"data":\#(number),"text":"\#(text)"}"#)
            }
            var (heard, isOne) = ([Int](), false)
            while heard.count < 60 {
                let answer = try await PollClient(port: isOne ? one.port : two.port, channel: "a").poll(
                    "cursor=\(cursor)")
                for line in answer.lines { #expect(line.hasPrefix("{\"data\":{") && line.hasSuffix("\"}}")) }
                heard += answer.lines.compactMap { $0.firstMatch(of: /\{"data":(\d+)/).flatMap { Int($0.1) } }
                cursor = try #require(answer.cursor)
                isOne.toggle()
            }
            #expect(heard == Array(1...60))
        }
    }

    @Test("one that is too late, or whose node died, is told so and begins anew")
    func reset() async throws {
        try await withNodes(["--poll-gap", "300ms"]) { one, two in
            let client = PollClient(port: two.port, channel: "a")
            let begun = try await PollClient(port: one.port, channel: "a").poll("cursor=new&wait=0")
            try await eventually("nothing is kept any more") { try await one.metric("fanfare_connections") == 0 }
            let late = try await client.poll("cursor=\(begun.cursor ?? "")")
            #expect(late.head.status == 200 && late.lines == [#"{"event":"reset"}"#])
            #expect(late.cursor != nil && late.cursor != begun.cursor)
        }
        try await withNodes(["--poll-gap", "60s"]) { one, two in
            let begun = try await PollClient(port: one.port, channel: "a").poll("cursor=new&wait=0")
            let cursor = try #require(begun.cursor)
            let client = PollClient(port: two.port, channel: "a")
            let before = try await client.poll("cursor=\(cursor)&wait=0")
            #expect(before.head.status == 204 && before.cursor == cursor)
            await one.kill()
            // Until the others know that it is dead, nobody can say what became of it.
            try await eventually(within: .seconds(60), "it is told") {
                let after = try await client.poll("cursor=\(cursor)&wait=0")
                if after.head.status == 503 { return false }
                #expect(after.head.status == 200 && after.lines == [#"{"event":"reset"}"#])
                return after.cursor != nil
            }
        }
    }

    @Test("a drain ends what is kept; the node that comes after says so")
    func drain() async throws {
        try await withNodes { one, two in
            let begun = try await PollClient(port: one.port, channel: "a").poll("cursor=new&wait=0")
            let cursor = try #require(begun.cursor)
            let client = PollClient(port: two.port, channel: "a")
            async let waiting = client.poll("cursor=\(cursor)&wait=30s")
            try await eventually("it waits") { try await two.metric("fanfare_connections") == 1 }
            one.terminate()
            let answer = try await waiting
            #expect(answer.head.status == 204 || answer.lines == [#"{"event":"reset"}"#])
            try await one.waitForExit()
            // Until the other one has heard that it is gone, nobody can say what became of it.
            try await eventually("the node that comes after says so") {
                let after = try await client.poll("cursor=\(cursor)&wait=0")
                if after.head.status == 503 { return false }
                #expect(after.lines == [#"{"event":"reset"}"#])
                return true
            }
        }
    }

    @Test("another channel, another user and a cursor of nobody get nothing of what is kept")
    func foreign() async throws {
        try await withNode { node in
            let client = PollClient(port: node.port, channel: "a")
            let begun = try await client.poll("cursor=new&wait=0")
            let cursor = try #require(begun.cursor)
            try await publish(node, 1...1)
            let other = try await PollClient(port: node.port, channel: "b").poll("cursor=\(cursor)&wait=0")
            #expect(other.lines == [#"{"event":"reset"}"#])
            let id = cursor.dropLast(2)
            for bad in [
                "\(id).1", "\(id).7", "\(id).01", "\(id)", "x", "", String(repeating: "9", count: 4_000),
                "\(id.dropLast())0.0",
                "00000000-0000-0000-0000-000000000000.0", "ffffffff-ffff-ffff-ffff-ffffffffffff.0", "%00",
            ] {
                let answer = try await client.poll("cursor=\(bad)&wait=0")
                #expect(answer.lines == [#"{"event":"reset"}"#] || "\(bad)" == cursor, "\(bad)")
            }
            let own = try await client.poll("cursor=\(cursor)")
            #expect(numbers(own) == [1], "it is untouched")
        }
        try await withNode(flags: ["--namespaces", "h: history=10/1m"]) { node in
            let refused = try await PollClient(port: node.port, channel: "h:a").poll("cursor=new")
            #expect(refused.head.status == 400)
        }
    }

    @Test("a poll takes the place of one that waits with the same cursor, which is answered")
    func newest() async throws {
        try await withNodes { one, two in
            let begun = try await PollClient(port: one.port, channel: "a").poll("cursor=new&wait=0")
            let cursor = try #require(begun.cursor)
            try await withThrowingTaskGroup(of: PollClient.Answer.self) { polls in
                for node in [two, one] {
                    polls.addTask {
                        try await PollClient(port: node.port, channel: "a").poll("cursor=\(cursor)&wait=50s")
                    }
                }
                // Whichever comes first to where it is kept.
                let first = try await polls.next()
                #expect(first?.head.status == 204 && first?.cursor == cursor)
                try await publish(one, 1...1)
                let second = try #require(try await polls.next())
                #expect(numbers(second) == [1])
            }
        }
    }

    @Test("a connection with the next poll of a cursor behind one that loses its place has an answer to both")
    func pipelined() async throws {
        try await withNode(flags: ["--loops", "1"]) { node in
            let client = PollClient(port: node.port, channel: "a")
            let begun = try await client.poll("cursor=new&wait=0")
            let cursor = try #require(begun.cursor)
            let poll = "GET /channels/a/poll?cursor=\(cursor)&wait=20s HTTP/1.1\r\nHost: a\r\n\r\n"
            let pipe = try await SocketClient.connect(node.port)
            try await pipe.send(poll + poll)
            try await eventually("the first waits") { try await node.metric("fanfare_connections") == 2 }
            // Takes its place, and loses it to the second.
            let other = try await client.poll("cursor=\(cursor)&wait=50s")
            #expect(other.head.status == 204 && other.cursor == cursor)
            let first = try await pipe.receive("its answer") { HTTPAnswer.parse(&$0) }
            #expect(first?.status == 204)
            try await publish(node, 1...1)
            let second = try await pipe.receive("the second answer") { bytes in
                let text = String(buffer: bytes)
                return text.contains("\"data\":1") ? text : nil
            }
            #expect(second != nil)
            await pipe.close()
        }
    }

    @Test("what no poll has said to have had does not hold up a drain")
    func unheard() async throws {
        try await withNode(flags: ["--close-timeout", "60s", "--poll-gap", "60s"]) { node in
            let client = PollClient(port: node.port, channel: "a")
            let begun = try await client.poll("cursor=new&wait=0")
            try await publish(node, 1...1)
            let answer = try await client.poll("cursor=\(begun.cursor ?? "")")
            #expect(numbers(answer) == [1])
            node.terminate()
            #expect(try await node.waitForExit(within: .seconds(30)) == 0)
        }
    }

    @Test("what is kept has a place like any client, so the pollers of one address have a bound")
    func places() async throws {
        let flags = ["--max-connections-per-address", "5", "--poll-gap", "60s", "--namespaces", "room: presence"]
        try await withNode(flags: flags) { node in
            let client = PollClient(
                port: node.port, channel: "room:a", fields: "X-Forwarded-For: 192.0.2.1\r\n")
            var refused = 0
            for _ in 0..<20 where try await client.poll("cursor=new&wait=0").head.status == 429 { refused += 1 }
            #expect(refused >= 15)
            #expect(try await node.members("room:a").count <= 5)
        }
    }

    @Test("presence sees pollers stay between their polls, until they do not come back")
    func presence() async throws {
        try await withNode(flags: ["--poll-gap", "15s", "--namespaces", "room: presence"]) { node in
            let client = PollClient(port: node.port, channel: "room:a")
            for _ in 0..<3 { _ = try await client.poll("cursor=new&wait=0") }
            try await eventually("they are there") { try await node.members("room:a").count == 3 }
            try await eventually("nothing is kept any more") { try await node.metric("fanfare_connections") == 0 }
            try await eventually("nobody is there") { try await node.members("room:a").isEmpty }
            for name in ["subscriptions", "queue_bytes", "pending_connections"] {
                #expect(try await node.metric("fanfare_\(name)") == 0)
            }
        }
    }
}
