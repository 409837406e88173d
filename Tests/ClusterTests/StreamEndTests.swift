import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// How streams end: by a drain, by readers that sleep, and what those can do to a node that say something.
@Suite("Cluster: ends of streams", .serialized)
struct StreamEndTests {
    @Test("a drain tells every reader why and when to come back, and ends its answer as HTTP has it")
    func drain() async throws {
        try await withNode(flags: ["--drain", "1s"]) { node in
            var events: [StreamClient] = []
            for number in 0..<12 {
                let version = number < 10 ? "1.1" : "1.0"
                events.append(try await StreamClient.connect(node.port, "/channels/a/sse", version: version))
            }
            let lines = try await node.lines("a")
            node.terminate()
            var retries: Set<Int> = []
            for client in events {
                let last = try #require(try await client.next())
                #expect(last.type == "disconnect" && last.data.string.hasPrefix(#"{"code":1012,"reason":""#), "\(last)")
                try await client.readToEnd()
                let retry = try #require(client.reconnectionTime)
                #expect((2_000...4_000).contains(retry))
                retries.insert(retry)
                #expect(client.chunks?.problem == nil && client.chunks?.hasEnded != false && client.body.endsWithLine)
            }
            #expect(retries.count > 1, "not all at once")
            #expect(try await lines.nextLine()?.hasPrefix(#"{"disconnect":{"code":1012,"reason":""#) == true)
            #expect(try await lines.nextLine() == nil)
            #expect(lines.chunks?.hasEnded == true)
            for client in events + [lines] { await client.close() }
            #expect(try await node.waitForExit() == 0)
        }
    }

    @Test(
        "a stream that a backend ends for good has an id with which a browser is told to stay away; one that shall come back is let in",
        arguments: ["a/sse", "a/sse?channel=kept:b"])
    func forGood(path: String) async throws {
        try await TestTokens.withNode(flags: ["--namespaces", "kept: history=10/1h recovery"]) { node in
            let authorization = ["Authorization": "Bearer \(try await TestTokens.make(#"{"sub":"42"}"#))"]
            for (code, isEnd) in [(4_500, true), (3_503, true), (4_499, false), (3_011, false)] {
                let client = try await StreamClient.connect(node.port, "/channels/" + path, headers: authorization)
                let end = code == 3_503 ? "" : #","disconnect":{"code":\#(code),"reason":"so"}"#
                let done = try await HTTP.post(node.adminPort, "/api/disconnect", #"{"user":"42"\#(end)}"#)
                #expect(done.status == 200, "\(done.body)")
                try await client.readToEnd()
                #expect(client.chunks?.hasEnded == true && client.body.endsWithLine)
                #expect((client.lastEventID == "end") == isEnd, "\(code): \(client.lastEventID)")
                await client.close()
                let back = try await StreamClient.connect(
                    node.port, "/channels/" + path,
                    headers: authorization.merging(["Last-Event-ID": client.lastEventID]) { $1 })
                #expect(back.answer.status == (isEnd ? 204 : 200), "\(code)")
                if isEnd { #expect(back.answer["cache-control"] == "no-store") }
                await back.close()
            }
            // Without a token: it is told before anything is asked of it, and what takes lines is as ever.
            for (path, status) in [("a/sse", 204), ("none:a/sse", 204), ("a/stream", 401), ("a/poll", 401)] {
                let back = try await HTTP.get(node.port, "/channels/\(path)", headers: ["Last-Event-ID": "end"])
                #expect(back.status == status, "\(path)")
            }
            let twice = try await HTTP.get(node.port, "/channels/a/sse", headers: ["Last-Event-ID": "end, end"])
            #expect(twice.status == 401)
        }
    }

    @Test(
        "a reader that sleeps is cut with 3008 at its queue's bound, its last bytes are whole, its neighbours hear all",
        arguments: ["sse 1.1", "sse 1.0", "stream 1.1", "stream 1.0"])
    func sleeper(form: String) async throws {
        let words = form.split(separator: " ").map(String.init)
        let limit = 200 * 1_024
        let flags = ["--max-queue-bytes", "\(limit)", "--ping-interval", "off", "--close-timeout", "30s"]
        try await withNode(flags: flags) { node in
            let slow = try PlainSocket(node.port, receiveBuffer: 4_096)
            slow.send(ByteBuffer(string: "GET /channels/flood/\(words[0]) HTTP/\(words[1])\r\nHost: a\r\n\r\n"))
            let neighbour = try await node.events("flood")
            try await eventually("both are there") {
                slow.push()
                return try await node.metric("fanfare_subscriptions") == 2
            }
            let text = "\"" + String(repeating: "x", count: 30_000) + "\""
            var (sent, mostWaiting) = (0, 0.0)
            func publish() async throws -> Double {
                try await node.publish("flood", text)
                sent += 1
                #expect(try await neighbour.nextText().count == text.count)
                let waiting = try await node.metric("fanfare_queue_bytes")
                mostWaiting = max(mostWaiting, waiting)
                return waiting
            }
            try await eventually("it is behind") { try await publish() > 150_000 }
            // It takes the event with which it got behind; what is under way then ends in the midst of another.
            try await eventually("it has taken a little") {
                slow.pull(upTo: 4_096)
                return try await node.metric("fanfare_queue_bytes") < 150_000
            }
            try await eventually("it is cut") {
                _ = try await publish()
                return try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            // Its bound, and the farewell.
            #expect(mostWaiting <= Double(limit + 4_096))
            let body = try await slow.readAnswer()
            let heard = words[0] == "sse" ? try Self.messages(ofEvents: body) : try Self.messages(ofLines: body)
            #expect(heard.allSatisfy { $0 == text.utf8.count } && (1..<sent).contains(heard.count))
            try await eventually("nothing waits") { try await node.metric("fanfare_queue_bytes") == 0 }
            await neighbour.close()
        }
    }

    /// Bytes of each message in front of a whole farewell.
    private static func messages(ofEvents body: [UInt8]) throws -> [Int] {
        var reader = EventStreamReader()
        reader.feed(body)
        let last = try #require(reader.events.last)
        #expect(last.type == "disconnect" && last.data.string.hasPrefix(#"{"code":3008,"#), "\(last)")
        #expect(body.suffix(3).elementsEqual("}\n\n".utf8))
        return reader.events.dropLast().map { $0.type == "message" ? $0.data.utf8.count : -1 }
    }

    private static func messages(ofLines body: [UInt8]) throws -> [Int] {
        let lines = body.split(separator: 0x0A)
        let last = String(decoding: try #require(lines.last), as: UTF8.self)
        #expect(last.hasPrefix(#"{"disconnect":{"code":3008,"#) && body.last == 0x0A, "\(last.prefix(100))")
        return lines.dropLast().map { $0.count - #"{"data":}"#.utf8.count }
    }

    @Test(
        "a reader that takes nothing is given up by TCP, too, where so little comes that none of it waits"
    )
    func trickle() async throws {
        let flags = ["--slow-timeout", "500ms", "--ping-interval", "1s", "--pong-timeout", "500ms"]
        try await withNode(flags: flags) { node in
            let sleeper = try PlainSocket(node.port, receiveBuffer: 4_096)
            sleeper.send(ByteBuffer(string: "GET /channels/a/sse HTTP/1.1\r\nHost: a\r\n\r\n"))
            let neighbour = try await node.events("a")
            try await eventually("both are there") { try await node.metric("fanfare_connections") == 2 }
            let text = "\"" + String(repeating: "x", count: 1_000) + "\""
            for _ in 0..<64 {
                try await node.publish("a", text)
                #expect(try await neighbour.nextText() == text)
            }
            #expect(try await node.metric("fanfare_queue_bytes") == 0)
            // It reads all the while, so it stays.
            try await neighbour.read { $0.pings >= 2 }
            try await eventually("the sleeper is gone") {
                try await node.metric(#"fanfare_disconnects_total{code="1006"}"#) == 1
            }
            #expect(try await node.metric("fanfare_connections") == 1)
            sleeper.reset()
            await neighbour.close()
        }
    }

    @Test("what a reader sends is not read: it fills the kernels' buffers and no more, and the stream goes on")
    func talker() async throws {
        try await withNode(flags: ["--ping-interval", "off", "--drain", "100ms"]) { node in
            let talker = try PlainSocket(node.port)
            let neighbour = try await node.events("a")
            let before = try await node.metric("process_resident_memory_bytes")
            let all = 64 * 1_048_576
            talker.send(ByteBuffer(string: "GET /channels/a/sse HTTP/1.1\r\nHost: a\r\n\r\n"))
            talker.send(ByteBuffer(repeating: UInt8(ascii: "G"), count: all))
            try await eventually("it is a client") { try await node.metric("fanfare_connections") == 2 }
            // A node that reads would take some of it while it handles a publication.
            var stalls = 0
            try await eventually("nothing more is taken") {
                stalls = talker.push() == 0 ? stalls + 1 : 0
                try await node.publish("a", "1")
                #expect(try await neighbour.nextText() == "1")
                return stalls >= 20
            }
            #expect(talker.unsentBytes > all / 2)
            let growth = try await node.metric("process_resident_memory_bytes") - before
            #expect(growth < 16 * 1_048_576, "\(growth)")
            #expect(try await node.metric("fanfare_messages_received_total") == 0)
            node.terminate()
            try await eventually("it has heard the end") {
                talker.pull(upTo: 65_536)
                return talker.isClosed || String(buffer: talker.input).hasSuffix("\r\n0\r\n\r\n")
            }
            let text = String(buffer: talker.input)
            #expect(
                text.contains("data: 1\n") && text.contains("event: disconnect\n") && text.hasSuffix("\r\n0\r\n\r\n"))
            talker.reset()
            await neighbour.close()
        }
    }

    @Test(
        "answers that a client has not taken come before what it subscribes to behind them",
        arguments: ["", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"])
    func behindAnswers(upgrade: String) async throws {
        let flags = [
            "--max-publish-rate", "0", "--max-queue-bytes", "16MiB", "--ping-interval", "off", "--handshake-timeout",
            "5m",
            "--slow-timeout", "10m",
        ]
        try await withNode(flags: flags) { node in
            let pages = 60
            let key = upgrade.isEmpty ? "" : "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            for _ in 0..<3 {
                let client = try PlainSocket(node.port, receiveBuffer: 4_096, segment: 536)
                let page = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                client.send(
                    ByteBuffer(
                        string: String(repeating: page, count: pages)
                            + "GET /channels/a/\(upgrade.isEmpty ? "sse" : "ws") HTTP/1.1\r\nHost: a\r\n\(upgrade)\(key)\r\n"
                    ))
                let publisher = Task {
                    let publisher = try await node.raw("a")
                    while !Task.isCancelled {
                        try await publisher.send("x")
                        _ = try await publisher.nextText()
                    }
                    await publisher.close()
                }
                var answered = 0
                try await eventually(within: .seconds(180), "all answers are whole: \(answered) are") {
                    for _ in 0..<64 {
                        PlainSocket.wait(for: [client], milliseconds: 1)
                        client.push()
                        client.pull(upTo: 2_000)
                        while let answer = HTTPAnswer.parse(&client.input) {
                            answered += 1
                            let status = answered <= pages ? 200 : upgrade.isEmpty ? 200 : 101
                            guard answer.status == status else {
                                throw NotInTime(what: "answer \(answered); got \(answer.status)")
                            }
                            if answered > pages { return true }
                        }
                    }
                    return false
                }
                publisher.cancel()
                try await publisher.value
                client.reset()
            }
        }
    }
}
