import FanfareTestKit
import NIOCore
import Testing

@Suite("Long polling")
struct PollTests {
    private static let history = ["--namespaces", "h: history=1000/1h recovery"]

    private func publish(_ node: Node, _ channel: String, _ text: String) async throws {
        let answer = try await HTTP.post(node.port, "/channels/\(channel)", text)
        #expect(answer.status == 200)
    }

    private func hasClients(_ node: Node, _ count: Int) async throws {
        try await eventually("\(count) clients wait") {
            try await node.metric("fanfare_subscriptions") == Double(count)
        }
    }

    @Test("a poll is answered by what comes, with where the next begins, and gives its place back")
    func waits() async throws {
        try await withNode(flags: Self.history) { node in
            let client = PollClient(port: node.port, channel: "h:a")
            async let answer = client.poll("")
            try await hasClients(node, 1)
            try await publish(node, "h:a", #"{"n":1}"#)
            let first = try await answer
            let position = try #require(first.position)
            #expect(first.head.status == 200 && first.head["cache-control"] == "no-store")
            #expect(first.lines == [#"{"id":"\#(position)","data":{"n":1}}"#])
            for n in 2...3 { try await publish(node, "h:a", #"{"n":\#(n)}"#) }
            let second = try await client.poll("since=\(position)")
            #expect(second.lines.map { $0.suffix(8) } == [#"{"n":2}}"#, #"{"n":3}}"#])
            let none = try await client.poll("since=\(second.position ?? "")&wait=0")
            #expect(none.head.status == 204 && none.position == second.position && none.lines.isEmpty)
            try await eventually("nobody is left") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("who polls on from each answer hears everything once and in order, on whichever node it lands")
    func conservation() async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.history) { one in
                try await withNode("two", redis: redis.url, flags: Self.history) { two in
                    let begin = try await PollClient(port: one.port, channel: "h:a").poll("wait=0")
                    let count = 200
                    async let published: Void = {
                        for n in 1...count { try await publish(n % 2 == 0 ? one : two, "h:a", "\(n)") }
                    }()
                    var (heard, position, isOne) = ([String](), try #require(begin.position), false)
                    while heard.count < count {
                        let client = PollClient(port: isOne ? one.port : two.port, channel: "h:a")
                        let answer = try await client.poll("since=\(position)&wait=5s")
                        heard += answer.lines.compactMap { $0.firstMatch(of: /"data":(\d+)/).map { String($0.1) } }
                        position = try #require(answer.position)
                        isOne.toggle()
                    }
                    try await published
                    #expect(heard == (1...count).map(String.init))
                }
            }
        }
    }

    @Test("a position that can't be had is told, and so is where the channel is now")
    func reset() async throws {
        try await withNode(flags: Self.history) { node in
            try await publish(node, "h:a", "1")
            let answer = try await PollClient(port: node.port, channel: "h:a").poll("since=7.nosuch")
            let position = try #require(answer.position)
            #expect(answer.head.status == 200 && answer.lines == [#"{"id":"\#(position)","event":"reset"}"#])
        }
    }

    @Test("nothing in time is 204, and a time that is none is refused")
    func times() async throws {
        try await withNode(flags: Self.history) { node in
            let client = PollClient(port: node.port, channel: "h:a")
            let start = ContinuousClock.now
            let nothing = try await client.poll("wait=300ms")
            #expect(nothing.head.status == 204 && nothing.position != nil)
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            for bad in ["wait=", "wait=61s", "wait=-1", "wait=1h", "wait=1234567ms", "wait=x", "since=x", "last=0"] {
                let refused = try await client.poll(bad)
                #expect(refused.head.status == 400, "\(bad)")
            }
        }
    }

    @Test("a client of HTTP/1.0 gets its lines without chunks, up to the end of the connection")
    func old() async throws {
        try await withNode(flags: Self.history) { node in
            try await publish(node, "h:a", "1")
            let client = try await SocketClient.connect(node.port)
            try await client.send("GET /channels/h:a/poll?last=1 HTTP/1.0\r\n\r\n")
            let text = try await client.receive("the whole answer") { bytes in
                let text = String(buffer: bytes)
                return text.hasSuffix("\"data\":1}\n") ? text : nil
            }
            await client.close()
            #expect(text?.lowercased().contains("transfer-encoding") == false)
            let plain = try await PollClient(port: node.port, channel: "h:a", version: "1.0").poll("last=1&wait=0")
            #expect(plain.head["etag"] == nil && plain.head["cache-control"] == "no-store", "nobody sees where it ends")
        }
    }

    @Test("a drain answers who waits, with its place")
    func drain() async throws {
        try await withNode(flags: Self.history + ["--drain", "1s"]) { node in
            let client = PollClient(port: node.port, channel: "h:a")
            async let waiting = client.poll("wait=50s")
            try await hasClients(node, 1)
            node.terminate()
            let answer = try await waiting
            #expect(answer.head.status == 204 && answer.position != nil)
        }
    }

    @Test("who may not hear a channel is refused, and so is one poll more than the node has room for")
    func refused() async throws {
        try await withNode(flags: Self.history + ["--max-connections", "1"], dev: false) { node in
            let anonymous = try await PollClient(port: node.port, channel: "h:a").poll("wait=0")
            #expect(anonymous.head.status == 401)
        }
        try await withNode(flags: Self.history + ["--max-connections", "1"]) { node in
            let client = PollClient(port: node.port, channel: "h:a")
            async let waiting = client.poll("wait=50s")
            try await hasClients(node, 1)
            let full = try await client.poll("wait=0")
            #expect(full.head.status == 503 && full.head["retry-after"] != nil)
            try await publish(node, "h:a", "1")
            #expect(try await waiting.lines.count == 1)
        }
    }

    @Test("a cache that asks with what it has is told 304 until something comes, whether somebody listens or not")
    func caches() async throws {
        try await withNode(flags: Self.history) { node in
            try await publish(node, "h:a", "1")
            let first = try await PollClient(port: node.port, channel: "h:a").poll("last=10&wait=0")
            let tag = try #require(first.head["etag"])
            #expect(first.head.status == 200 && tag == "W/\"\(first.position ?? "")-1-1\"")
            #expect(first.head["cache-control"] == "no-cache")
            func ask(_ tag: String, _ query: String = "last=10&wait=0") async throws -> PollClient.Answer {
                try await PollClient(port: node.port, channel: "h:a", fields: "If-None-Match: \(tag)\r\n").poll(query)
            }
            for known in [tag, "\"x\", \(tag)", String(tag.dropFirst(2)), "*"] {
                let answer = try await ask(known)
                #expect(answer.head.status == 304 && answer.head["etag"] == tag && answer.position == first.position)
            }
            for other in ["\"x\"", "W/\"\"", "", ",,", String(repeating: "\"1.x\",", count: 900)] {
                #expect(try await ask(other).head.status == 200, "\(other.prefix(20))")
            }
            let listener = try await node.raw("h:a")
            #expect(try await ask(tag).head.status == 304)
            try await publish(node, "h:a", "2")
            let second = try await ask(tag)
            #expect(second.head.status == 200 && second.lines.count == 2 && second.head["etag"] != tag)
            let removal = try await HTTP.post(node.adminPort, "/api/history_remove", #"{"channel":"h:a"}"#)
            #expect(removal.status == 200)
            let removed = try await ask(second.head["etag"] ?? "")
            #expect(removed.head.status != 304 && removed.lines.filter { $0.contains("\"data\"") }.isEmpty)
            try await publish(node, "h:a", "3")
            let waited = try await ask(tag, "last=1&wait=1s")
            #expect(
                waited.head.status == 200 && waited.head["etag"] == nil && waited.head["cache-control"] == "no-store")
            await listener.close()
        }
    }

    @Test("what a client sends behind its poll is not read while it waits, and not for long when it has its answer")
    func pipelined() async throws {
        try await withNode(flags: Self.history) { node in
            let client = try await SocketClient.connect(node.port)
            try await client.send("GET /channels/h:a/poll HTTP/1.1\r\nHost: a\r\n\r\n")
            try await hasClients(node, 1)
            let block = ByteBuffer(repeating: UInt8(ascii: "x"), count: 65_536)
            for _ in 0..<300 { client.sendLater(block) }
            try await publish(node, "h:a", "1")
            let text = try await client.receive("the answer") { bytes in
                let text = String(buffer: bytes)
                return text.hasSuffix("0\r\n\r\n") ? text : nil
            }
            #expect(text?.contains("\"data\":1") == true)
            try await eventually("it is gone") { try await node.metric("fanfare_connections") == 0 }
            try await eventually("its socket, too") { try await node.metric("fanfare_pending_connections") == 0 }
            await client.close()
        }
    }

    @Test("an answer that a cache may keep does not look whole when it is cut")
    func cut() async throws {
        try await withNode(flags: Self.history + ["--slow-timeout", "500ms", "--close-timeout", "500ms"]) { node in
            let text = String(repeating: "x", count: 40_000)
            for _ in 0..<60 { try await publish(node, "h:a", text) }
            let socket = try PlainSocket(node.port, receiveBuffer: 4_096, segment: 536)
            socket.send(ByteBuffer(string: "GET /channels/h:a/poll?last=100&wait=0 HTTP/1.1\r\nHost: a\r\n\r\n"))
            try await eventually("it is cut") {
                socket.push()
                return try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            try await eventually("it is closed") {
                PlainSocket.wait(for: [socket], milliseconds: 10)
                socket.pull(upTo: 1_048_576)
                return socket.isClosed
            }
            #expect(HTTPAnswer.parse(&socket.input)?["etag"] != nil)
            var chunks = ChunkReader()
            chunks.feed(Array(socket.input.readableBytesView))
            #expect(!chunks.hasEnded && !chunks.data.isEmpty)
        }
    }

    @Test("who takes a long answer slowly gets all of it", arguments: ["1.1", "1.0"])
    func slow(version: String) async throws {
        try await withNode(flags: Self.history + ["--close-timeout", "300ms"]) { node in
            let text = String(repeating: "x", count: 40_000)
            for _ in 0..<20 { try await publish(node, "h:a", text) }
            let socket = try PlainSocket(node.port, receiveBuffer: 4_096, segment: 536)
            socket.send(
                ByteBuffer(string: "GET /channels/h:a/poll?last=100 HTTP/\(version)\r\nHost: a\r\n\r\n"))
            try await hasClients(node, 1)
            // Longer than the end of a connection may take, again and again.
            for _ in 0..<3 {
                try await Task.sleep(for: .milliseconds(500))
                socket.pull(upTo: 65_536)
            }
            try await eventually("it has all") {
                PlainSocket.wait(for: [socket], milliseconds: 10)
                socket.pull(upTo: 1_048_576)
                return socket.isClosed
            }
            #expect(HTTPAnswer.parse(&socket.input)?.status == 200)
            var body = Array(socket.input.readableBytesView)
            if version == "1.1" {
                var chunks = ChunkReader()
                chunks.feed(body)
                #expect(chunks.hasEnded && chunks.problem == nil)
                body = chunks.data
            }
            #expect(body.split(separator: 0x0A).count == 20)
            #expect(try await node.metric(#"fanfare_disconnects_total{code="1000"}"#) == 1)
        }
    }
}
