import FanfareTestKit
import Testing

/// A proxy that breaks within answers: what the client did not get whole comes again when it asks with its old place.
@Suite("Cluster: answers that are cut on their way", .serialized, .timeLimit(.minutes(10)))
struct CutAnswerTests {
    private static func numbers(_ lines: [String]) -> [Int] {
        lines.compactMap { $0.firstMatch(of: /"data":\{"number":(\d+)/).flatMap { Int($0.1) } }
    }

    private func publish(_ node: Node, _ channel: String, _ numbers: ClosedRange<Int>, bytes: Int) async throws {
        let text = String(repeating: "x", count: bytes)
        for number in numbers { try await node.publish(channel, #"{"number":\#(number),"text":"\#(text)"}"#) }
    }

    /// Whether a poll through the relay has no whole answer.
    private func isCut(_ poll: () async throws -> PollClient.Answer) async -> Bool { (try? await poll()) == nil }

    /// Within the head, behind it, within and between lines, and before the last chunk.
    private static let places = [0, 20, 300, 1_000, 9_999, 30_000]

    @Test("a poll whose answer is cut has all of it with the next one from the old position, wherever it was cut")
    func position() async throws {
        try await withNode(flags: ["--namespaces", "h: history=100/1h"]) { node in
            let direct = PollClient(port: node.port, channel: "h:a")
            let start = try #require(try await direct.poll("wait=0").position)
            try await publish(node, "h:a", 1...20, bytes: 2_000)
            try await withCuttingRelay(to: node.port) { relay in
                let poller = PollClient(port: relay.port, channel: "h:a")
                for place in Self.places {
                    relay.cut(after: place)
                    #expect(await isCut { try await poller.poll("since=\(start)") }, "after \(place)")
                    relay.cut(after: nil)
                    let again = try await poller.poll("since=\(start)")
                    #expect(Self.numbers(again.lines) == Array(1...20), "after \(place)")
                }
                // One that waited, and whose answer is cut when it comes.
                let whole = try await poller.poll("since=\(start)")
                let last = try #require(whole.position)
                relay.cut(after: 300)
                async let wasCut = isCut { try await poller.poll("since=\(last)&wait=50s") }
                try await eventually("it waits") { try await node.metric("fanfare_connections") == 1 }
                try await publish(node, "h:a", 21...21, bytes: 2_000)
                #expect(await wasCut)
                relay.cut(after: nil)
                #expect(Self.numbers(try await poller.poll("since=\(last)").lines) == [21])
            }
            try await eventually("nothing is left") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("so has one with a cursor, and what comes behind it comes once")
    func cursor() async throws {
        try await withNode(flags: ["--poll-gap", "60s", "--slow-timeout", "10m"]) { node in
            try await withCuttingRelay(to: node.port) { relay in
                let poller = PollClient(port: relay.port, channel: "a")
                var cursor = try #require(try await poller.poll("cursor=new&wait=0").cursor)
                var heard: [Int] = []
                for (round, place) in Self.places.enumerated() {
                    let first = round * 20 + 1
                    try await publish(node, "a", first...first + 19, bytes: 2_000)
                    while heard.last != first + 19 {
                        relay.cut(after: place)
                        _ = await isCut { try await poller.poll("cursor=\(cursor)") }
                        relay.cut(after: nil)
                        let answer = try await poller.poll("cursor=\(cursor)")
                        heard += Self.numbers(answer.lines)
                        cursor = try #require(answer.cursor)
                    }
                }
                #expect(heard == Array(1...Self.places.count * 20))
            }
        }
    }

    @Test(
        "an emulated session whose stream is cut within a push comes back and recovers it",
        arguments: EmulatedClient.Form.allCases)
    func emulation(form: EmulatedClient.Form) async throws {
        try await withNode(flags: EmulatedClient.flags) { node in
            try await withCuttingRelay(to: node.port) { relay in
                // Its head, the replies to connect and subscribe and the first pushes pass.
                relay.cut(after: 3_000)
                let client = try await EmulatedClient.connect(relay.port, form)
                let subscribed = try await client.command(#""subscribe":{"channel":"chat:a"}"#, through: node.port)
                let epoch = try #require(subscribed.result("subscribe", "epoch"))
                try await publish(node, "chat:a", 1...10, bytes: 500)
                var heard = 0
                while let data = try? await client.nextData() {
                    heard += 1
                    #expect(data.contains("\"number\":\(heard),"))
                }
                #expect((1..<10).contains(heard), "it was cut within a push: \(heard)")
                relay.cut(after: nil)
                let again = try await EmulatedClient.connect(relay.port, form)
                let back = try await again.command(
                    #""subscribe":{"channel":"chat:a","recover":true,"offset":\#(heard),"epoch":"\#(epoch)"}"#,
                    through: node.port)
                #expect(back.text.contains(#""recovered":true"#))
                for number in heard + 1...10 { #expect(back.text.contains("\"offset\":\(number)"), "\(number)") }
                #expect(!back.text.contains("\"number\":\(heard),"))
                for client in [client, again] { await client.close() }
            }
            try await eventually("nothing is left") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("an event stream that is cut within an event comes back with its last id and hears the rest once")
    func events() async throws {
        try await withNode(flags: ["--namespaces", "h: history=100/1h"]) { node in
            try await withCuttingRelay(to: node.port) { relay in
                relay.cut(after: 3_000)
                let client = try await StreamClient.connect(relay.port, "/channels/h:a/sse")
                #expect(try await client.next()?.type == "position")
                try await publish(node, "h:a", 1...10, bytes: 500)
                var heard: [String] = []
                while let event = try await client.next() { heard.append("\(event.data)") }
                #expect((1..<10).contains(heard.count))
                relay.cut(after: nil)
                let again = try await StreamClient.connect(
                    relay.port, "/channels/h:a/sse", headers: ["Last-Event-ID": client.lastEventID])
                #expect(try await again.next()?.type == "position")
                while heard.count < 10 { heard.append(try await again.nextText()) }
                for (index, data) in heard.enumerated() { #expect(data.contains("\"number\":\(index + 1),")) }
                for client in [client, again] { await client.close() }
            }
        }
    }

    @Test(
        "a session whose poll is cut ends by itself when its client opens another one, as clients of SockJS and Engine.IO do"
    )
    func sessions() async throws {
        let flags = ["--namespaces", "h: history=100/1h", "--ping-interval", "4s", "--pong-timeout", "3s"]
        try await withNode(flags: flags) { node in
            try await withCuttingRelay(to: node.port) { relay in
                let client = SockJSClient(relay.port, "channels/h:a")
                try await client.open()
                try await publish(node, "h:a", 1...5, bytes: 500)
                relay.cut(after: 200)
                #expect((try? await client.poll()) == nil)
                relay.cut(after: nil)
                let next = SockJSClient(relay.port, "channels/h:a")
                try await next.open()
                try await publish(node, "h:a", 6...6, bytes: 500)
                #expect(try await next.messages(1)[0].contains("\"number\":6,"))
                relay.cut(after: 60)
                let polling = try await EngineIOClient.open(node.port, path: "/socket.io/")
                #expect(try await polling.post(node.port, "40").body == "ok")
                #expect(
                    (try? await HTTP.get(relay.port, "/socket.io/?EIO=4&transport=polling&sid=\(polling.sid)")) == nil)
                relay.cut(after: nil)
            }
            // SockJS 5 s, Engine.IO its pings.
            try await eventually(within: .seconds(120), "all sessions have ended") {
                try await node.metric("fanfare_connections") == 0
            }
        }
    }
}
