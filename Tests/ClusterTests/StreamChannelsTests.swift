import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

/// `/channels/{channel}/sse?channel=…` and `/stream?channel=…`: several channels in one answer.
@Suite("Cluster: streams of several channels", .serialized)
struct StreamChannelsTests {
    private static let flags = [
        "--namespaces", "h: history=1000/10m recovery; price: history=1/1h recovery=cache; *: publish=clients",
    ]

    private func lines(_ node: Node, _ path: String) async throws -> StreamClient {
        try await StreamClient.connect(node.port, "/channels/\(path)", headers: ["Accept": "*/*"])
    }

    private func events(_ node: Node, _ path: String, _ id: String? = nil) async throws -> StreamClient {
        try await StreamClient.connect(
            node.port, "/channels/\(path)", headers: id.map { ["Last-Event-ID": $0] } ?? [:])
    }

    @Test("each event and each line names its channel, by HTTP/1.1 and 1.0", arguments: ["1.1", "1.0"])
    func names(version: String) async throws {
        try await withNode { node in
            let events = try await StreamClient.connect(
                node.port, "/channels/a/sse?channel=b&channel=caf%C3%A9", version: version)
            let lines = try await StreamClient.connect(
                node.port, "/channels/a/stream?channel=b&channel=caf%C3%A9", headers: ["Accept": "*/*"],
                version: version)
            for client in [events, lines] { #expect(client.answer.status == 200) }
            let publisher = try await node.raw("b")
            try await publisher.send("{\"n\":\n 1}")
            try await publisher.send([0xFF, 0x00])
            await publisher.close()
            try await eventually("two publications left") {
                try await node.metric("fanfare_publications_in_total") >= 2
            }
            try await node.publish("a", #""x""#)
            try await node.publish("café", "2")
            try await node.publish("elsewhere", "3")
            try await node.publish("a", "4")
            for data in [
                #"{"channel":"b","data":{"n":  1}}"#, #"{"channel":"b","base64":"/wA="}"#,
                #"{"channel":"a","data":"x"}"#,
                #"{"channel":"café","data":2}"#, #"{"channel":"a","data":4}"#,
            ] {
                #expect(try await events.next() == .init(data: ExactText(data)))
                #expect(try await lines.nextLine() == data)
            }
            #expect(events.lastEventID.isEmpty && events.chunks?.problem == nil && lines.chunks?.problem == nil)
            for client in [events, lines] { await client.close() }
        }
    }

    @Test(
        "an id says where the reader is in all channels that keep a history, and it comes back there, on another node")
    func positions() async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in
                    let path = "h:a/sse?channel=plain&channel=h:b"
                    let first = try await events(one, path)
                    for channel in ["h:a", "h:b"] {
                        let begun = try #require(try await first.next())
                        #expect(
                            begun.type == "position"
                                && begun.data.string.hasPrefix("{\"channel\":\"\(channel)\",\"id\":\"0."))
                        #expect(first.answer["fanfare-position"] == first.lastEventID)
                    }
                    for number in 1...3 { try await one.publish("h:b", "\(number)") }
                    try await two.publish("plain", "0")
                    try await two.publish("h:a", "1")
                    for _ in 1...5 { _ = try await first.nextText() }
                    #expect(first.lastEventID.hasPrefix("1.") && first.lastEventID.contains(",3"))
                    #expect(first.lastEventID.utf8.count <= 128)
                    await first.close()
                    try await one.publish("h:a", "2")
                    try await one.publish("h:b", "4")
                    let second = try await events(two, path, first.lastEventID)
                    for _ in 1...2 {
                        let begun = try await second.next()
                        #expect(begun?.type == "position" && begun?.lastEventID == ExactText(first.lastEventID))
                    }
                    let missed = try await [second.nextText(), second.nextText()]
                    #expect(missed[0].contains(#""channel":"h:a""#) && missed[0].hasSuffix(#""data":2}"#))
                    #expect(missed[1].contains(#""channel":"h:b""#) && missed[1].hasSuffix(#""data":4}"#))
                    let since = try await lines(
                        one, "h:a/stream?channel=plain&channel=h:b&since=\(first.lastEventID)")
                    for _ in 1...2 { #expect(try await since.nextLine()?.hasSuffix(#""event":"position"}"#) == true) }
                    for text in missed { #expect(try await since.nextLine() == text) }
                    for client in [second, since] { await client.close() }
                }
            }
        }
    }

    @Test("who comes back again and again, in the middle of everything, hears each channel whole, once and in order")
    func conservation() async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in
                    let (channels, count) = (["h:a", "h:b", "h:c"], 300)
                    let path = "h:a/sse?channel=h:b&channel=h:c"
                    var reader = try await events(one, path)
                    async let published: Void = {
                        for number in 1...count {
                            for channel in channels {
                                try await (number % 2 == 0 ? one : two).publish(channel, "\(number)")
                            }
                        }
                    }()
                    var heard: [String: [Int]] = [:]
                    var (id, returns, random) = ("", 0, SeededRandom(seed: 4))
                    var left = 5
                    while heard.values.reduce(0, { $0 + $1.count }) < channels.count * count {
                        let event = try #require(try await reader.next())
                        #expect(event.type != "reset")
                        id = event.lastEventID.string
                        if let found = event.data.string.firstMatch(of: /"channel":"([^"]+)".*"data":(\d+)/) {
                            heard[String(found.1), default: []].append(Int(found.2) ?? 0)
                        }
                        left -= 1
                        guard left == 0 else { continue }
                        left = Int.random(in: 4...60, using: &random)
                        returns += 1
                        await reader.close()
                        reader = try await events(returns % 2 == 0 ? one : two, path, id)
                    }
                    try await published
                    for channel in channels { #expect(heard[channel] == Array(1...count), "\(channel)") }
                    #expect(returns > 10)
                    await reader.close()
                }
            }
        }
    }

    @Test("only the channel whose past can't be had begins anew; with an id of other channels all of them do")
    func reset() async throws {
        try await withNode(flags: Self.flags) { node in
            for channel in ["h:a", "h:b", "price:x"] { try await node.publish(channel, "1") }
            let first = try await lines(node, "h:a/stream?channel=h:b")
            let epochs = try await [first.nextLine(), first.nextLine()].compactMap {
                $0?.firstMatch(of: /"id":"1\.([^"]+)"/).map { String($0.1) }
            }
            try #require(epochs.count == 2)
            await first.close()
            let one = try await lines(node, "h:a/stream?channel=h:b&since=0.\(epochs[0]),7.nosuch")
            #expect(try await one.nextLine() == #"{"channel":"h:a","id":"0.\#(epochs[0])","event":"position"}"#)
            #expect(try await one.nextLine() == #"{"channel":"h:b","id":"1.\#(epochs[1])","event":"reset"}"#)
            #expect(try await one.nextLine() == #"{"channel":"h:a","id":"1.\#(epochs[0])","data":1}"#)
            let all = try await events(node, "h:a/sse?channel=plain&channel=price:x", "1.a,1.b")
            for _ in 1...3 { #expect(try await all.next()?.type == "reset") }
            #expect(try await all.nextText().hasSuffix(#""data":1}"#), "the newest price")
            let last = try await lines(node, "h:a/stream?channel=plain&channel=h:b&last=5")
            for _ in 1...2 { #expect(try await last.nextLine()?.hasSuffix(#""event":"position"}"#) == true) }
            for _ in 1...2 { #expect(try await last.nextLine()?.hasSuffix(#""data":1}"#) == true) }
            for client in [one, all, last] { await client.close() }
        }
    }

    @Test("what can't be is refused before the stream begins, and leaves nothing behind")
    func refused() async throws {
        let flags = Self.flags + ["--max-channels", "20"]
        try await withNode(flags: flags) { node in
            let many = (1...19).map { "channel=c\($0)" }.joined(separator: "&")
            let histories = (1...9).map { "channel=h:\($0)" }.joined(separator: "&")
            for (path, status) in [
                ("a/sse?channel=a", 400), ("a/sse?channel=", 400), ("a/sse?channel=x%2Cy", 400),
                ("a/sse?channel=%FF", 400),
                ("a/sse?\(many)&channel=one-more", 400), ("a/sse?channel=b&last=1", 400),
                ("a/sse?channel=b&since=1.e", 400),
                ("h:a/sse?channel=h:b&since=1.e", 400), ("h:a/sse?channel=h:b&since=1.e,2.e,3.e", 400),
                ("h:a/stream?channel=b&last=0", 400), ("a/sse?channel=nowhere:b", 404), ("a/sse?\(many)", 200),
                ("h:0/stream?\(histories)", 200),
            ] {
                let client = try await StreamClient.connect(
                    node.port, "/channels/\(path)", headers: ["Accept": "*/*"])
                #expect(client.answer.status == status, "\(path): \(client.answer.body)")
                await client.close()
            }
            let tooWide = try await events(node, "h:0/sse?\(histories)")
            #expect(tooWide.answer.status == 400 && tooWide.answer.body.contains("128 bytes"))
            await tooWide.close()
            for (count, id, status): (Int, String?, Int) in [
                (5, nil, 200), (6, nil, 400), (6, "x", 200), (20, "x", 200),
            ] {
                let others = (1..<count).map { "channel=h:\($0)" }.joined(separator: "&")
                let client = try await events(node, "h:0/sse?\(others)", id)
                #expect(client.answer.status == status, "\(count): an answer but 200 ends who comes back for good")
                await client.close()
            }
            try await eventually("nobody is left") {
                let connections = try await node.metric("fanfare_connections")
                return try await connections + node.metric("fanfare_subscriptions") == 0
            }
        }
        try await withNode(
            flags: ["--anonymous", "subscribe", "--namespaces", "open: publish=nobody; vip: subscribe=nobody"],
            dev: false
        ) {
            let answer = try await events($0, "open:a/sse?channel=vip:b").answer
            #expect(answer.status == 403 && answer.body.contains("vip:b"))
        }
    }

    @Test(
        "a reader that sleeps is cut with 3008 behind a whole event, and its neighbours hear all",
        arguments: ["1.1", "1.0"])
    func sleeper(version: String) async throws {
        let flags = Self.flags + ["--max-queue-bytes", "200KiB", "--ping-interval", "off", "--close-timeout", "30s"]
        try await withNode(flags: flags) { node in
            let slow = try PlainSocket(node.port, receiveBuffer: 4_096)
            slow.send(
                ByteBuffer(string: "GET /channels/h:a/sse?channel=b HTTP/\(version)\r\nHost: a\r\n\r\n"))
            let neighbour = try await lines(node, "b/stream?channel=h:a")
            #expect(try await neighbour.nextLine() != nil)
            try await eventually("both are there") {
                slow.push()
                return try await node.metric("fanfare_subscriptions") == 4
            }
            let text = String(repeating: "x", count: 30_000)
            var sent = 0
            try await eventually("it is cut") {
                sent += 1
                try await node.publish(sent % 2 == 0 ? "h:a" : "b", "\"\(text)\"")
                #expect(try await neighbour.nextLine()?.hasSuffix("xx\"}") == true)
                slow.pull(upTo: 2_048)
                return try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            let events = try await slow.readEvents()
            #expect(events.first?.type == "position" && events.last?.type == "disconnect")
            let heard = events.dropFirst().dropLast()
            #expect((1..<sent).contains(heard.count))
            #expect(heard.allSatisfy { $0.type == "message" && $0.data.string.hasSuffix("xx\"}") })
            try await eventually("nothing waits") { try await node.metric("fanfare_queue_bytes") == 0 }
            await neighbour.close()
        }
    }

    @Test("a channel of which only the newest counts keeps that for a reader that is behind, and its place goes along")
    func newest() async throws {
        let flags = ["--namespaces", "n: history=1000/1m queue=newest", "--ping-interval", "off"]
        try await withNode(flags: flags) { node in
            let slow = try PlainSocket(node.port, receiveBuffer: 4_096)
            slow.send(ByteBuffer(string: "GET /channels/n:a/sse?channel=n:b HTTP/1.0\r\n\r\n"))
            try await eventually("it is there") {
                slow.push()
                return try await node.metric("fanfare_subscriptions") == 2
            }
            let text = String(repeating: "x", count: 30_000)
            for number in 1...200 {
                try await node.publish(number % 2 == 0 ? "n:a" : "n:b", "\"\(text)\(number)\"")
            }
            #expect(try await node.metric("fanfare_skipped_total") > 0)
            var reader = EventStreamReader()
            try await eventually("it has the newest of both") {
                PlainSocket.wait(for: [slow], milliseconds: 10)
                slow.pull(upTo: 1_048_576)
                var events = EventStreamReader()
                events.feed(slow.input.readableBytesView)
                reader = events
                let heard = events.events.suffix(2).map { $0.data.string.suffix(6) }
                return heard == ["x199\"}", "x200\"}"] || heard == ["x200\"}", "x199\"}"]
            }
            #expect(reader.lastEventID.contains("100") && reader.events.count < 200)
            slow.reset()
        }
    }
}
