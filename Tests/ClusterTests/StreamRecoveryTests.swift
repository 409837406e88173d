import FanfareTestKit
import FanfareWire
import Foundation
import Testing

/// Readers of streams that come back: with `Last-Event-ID`, as a browser does by itself, or with what their address says.
@Suite("Cluster: streams that come back", .serialized)
struct StreamRecoveryTests {
    private static let flags = [
        "--namespaces", "chat: history=50/10m recovery; price: history=1/1h recovery=cache; *: publish=clients",
    ]

    /// Runs `body` with two nodes on one Redis, and with a node that stands alone.
    private func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in
                    try await body(one, two)
                }
            }
        }
        try await withNode(flags: Self.flags) { node in try await body(node, node) }
    }

    @Test("in a channel with history the first event is the position, so that one who heard nothing loses nothing")
    func position() async throws {
        try await withNodes { one, two in
            let first = try await one.events("chat:a")
            let begun = try #require(try await first.next())
            #expect(begun.type == "position" && begun.data == begun.lastEventID && begun.data.string.hasPrefix("0."))
            #expect(first.answer["fanfare-position"].map { ExactText($0) } == begun.data)
            let lines = try await one.lines("chat:a")
            #expect(try await lines.nextLine() == "{\"id\":\"\(begun.data)\",\"event\":\"position\"}")
            for client in [first, lines] { await client.close() }
            for number in 1...5 { try await one.publish("chat:a", "\(number)") }
            let second = try await two.events("chat:a", headers: ["Last-Event-ID": first.lastEventID])
            #expect(try await second.next()?.data == begun.data)
            for number in 1...5 { #expect(try await second.nextText() == "\(number)") }
            try await one.publish("chat:a", "6")
            #expect(try await second.nextText() == "6")
            #expect(second.lastEventID.hasPrefix("6."))
            await second.close()
        }
    }

    @Test("since and last do the same from the address; the field counts before it")
    func address() async throws {
        try await withNodes { one, two in
            for number in 1...4 { try await one.publish("chat:b", "\(number)") }
            let last = try await StreamClient.connect(two.port, "/channels/chat:b/sse?last=2")
            let begun = try #require(try await last.next())
            #expect(begun.type == "position" && begun.data.string.hasPrefix("2."))
            for number in 3...4 { #expect(try await last.nextText() == "\(number)") }
            let epoch = begun.data.string.dropFirst(2)
            let since = try await StreamClient.connect(
                two.port, "/channels/chat:b/stream?since=1.\(epoch)", headers: ["Accept": "*/*"])
            #expect(try await since.nextLine() == "{\"id\":\"1.\(epoch)\",\"event\":\"position\"}")
            for number in 2...4 {
                #expect(try await since.nextLine() == "{\"id\":\"\(number).\(epoch)\",\"data\":\(number)}")
            }
            let both = try await StreamClient.connect(
                two.port, "/channels/chat:b/sse?since=1.\(epoch)", headers: ["Last-Event-ID": "3.\(epoch)"])
            #expect(try await both.next()?.type == "position")
            #expect(try await both.nextText() == "4")
            // Some libraries send an empty one when they have none.
            let empty = try await StreamClient.connect(
                two.port, "/channels/chat:b/sse?since=2.\(epoch)", headers: ["Last-Event-ID": ""])
            #expect(try await empty.next()?.type == "position")
            #expect(try await empty.nextText() == "3")
            for client in [last, since, both, empty] { await client.close() }
        }
    }

    @Test("a position that can't be had is told with the event reset, and live traffic goes on")
    func reset() async throws {
        try await withNodes { one, two in
            for number in 1...60 { try await one.publish("chat:c", "\(number)") }
            let known = try await two.events("chat:c")
            let epoch = try #require(try await known.next()).data.string.dropFirst(3)
            await known.close()
            // Fallen out of the history, of the future, of another stream.
            for id in ["9.\(epoch)", "61.\(epoch)", "60.other"] {
                let events = try await two.events("chat:c", headers: ["Last-Event-ID": id])
                let first = try #require(try await events.next())
                #expect(first.type == "reset" && first.data == ExactText("60.\(epoch)"), "\(id): \(first)")
                #expect(first.lastEventID == first.data, "it comes back from here")
                await events.close()
            }
            let events = try await StreamClient.connect(two.port, "/channels/chat:c/sse?since=9.\(epoch)")
            let lines = try await StreamClient.connect(
                two.port, "/channels/chat:c/stream?since=9.\(epoch)", headers: ["Accept": "*/*"])
            #expect(try await events.next()?.type == "reset")
            #expect(try await lines.nextLine() == "{\"id\":\"60.\(epoch)\",\"event\":\"reset\"}")
            let whole = try await two.events("chat:c", headers: ["Last-Event-ID": "10.\(epoch)"])
            #expect(try await whole.next()?.type == "position")
            for number in 11...60 { #expect(try await whole.nextText() == "\(number)") }
            try await one.publish("chat:c", "61")
            for client in [events, whole] {
                #expect(try await client.nextText() == "61")
                await client.close()
            }
            #expect(try await lines.nextLine() == "{\"id\":\"61.\(epoch)\",\"data\":61}")
            await lines.close()
        }
    }

    @Test("a Last-Event-ID that is none of ours is a reset and never an error, a bad address is 400")
    func strangers() async throws {
        try await withNode(flags: Self.flags) { node in
            try await node.publish("price:x", "1")
            for channel in ["chat:d", "price:x", "plain"] {
                for id in ["x", "1", "-1.abc", "01.abc", String(repeating: "9", count: 200), "1.abc, 2.abc"] {
                    let events = try await node.events(channel, headers: ["Last-Event-ID": id])
                    #expect(events.answer.status == 200)
                    let first = try await events.next()
                    #expect(first?.type == "reset", "\(channel) with \(id): \(String(describing: first))")
                    #expect(first?.lastEventID.isEmpty == (channel == "plain"))
                    // A channel that carries a state gives it all the same.
                    if channel == "price:x" { #expect(try await events.nextText() == "1") }
                    try await node.publish(channel, "1")
                    #expect(try await events.nextText() == "1")
                    await events.close()
                }
            }
            let known = try await node.events("plain", headers: ["Last-Event-ID": "1.abc"])
            #expect(try await known.next() == .init(type: "reset", data: ""), "a position of another channel")
            await known.close()
            for path in ["chat:d/sse?since=x", "chat:d/sse?last=0", "plain/sse?last=1", "chat:d/stream?since=1.a.b"] {
                let answer = try await StreamClient.connect(node.port, "/channels/\(path)").answer
                #expect(answer.status == 400, "\(path): \(answer.body)")
            }
        }
    }

    @Test("a node is killed under traffic: its readers come back through nginx, and miss, repeat and reorder nothing")
    func killedNode() async throws {
        // More than can be published while the reader is on its way back.
        try await withCluster(flags: ["--namespaces", "chat: history=1000/10m recovery"]) { cluster in
            var path = "/channels/chat:k/sse"
            for attempt in 0..<200 {
                path = "/channels/chat:k/sse?route=r\(attempt)"
                let probe = try await StreamClient.connect(cluster.port, path)
                await probe.close()
                if probe.node == "node-1" { break }
            }
            var reader = try await StreamClient.connect(cluster.port, path)
            #expect(reader.node == "node-1")
            #expect(try await reader.next()?.type == "position")
            let publishing = Task {
                for number in 1...400 {
                    _ = try await cluster.nodes[1].publish("chat:k", "\(number)")
                    if number == 100 { cluster.nodes[0].signal(SIGKILL) }
                }
            }
            var heard: [String] = []
            var returns = 0
            while heard.last != "400" {
                guard let event = try await reader.next() else {
                    returns += 1
                    let id = reader.lastEventID
                    reader = try await StreamClient.connect(cluster.port, path, headers: ["Last-Event-ID": id])
                    #expect(reader.answer.status == 200 && reader.node != "node-1")
                    let place = ExactText(id)
                    #expect(try await reader.next() == .init(type: "position", data: place, lastEventID: place))
                    continue
                }
                heard.append(event.data.string)
            }
            try await publishing.value
            #expect(heard == (1...400).map { "\($0)" } && returns == 1)
            await reader.close()
        }
    }
}
