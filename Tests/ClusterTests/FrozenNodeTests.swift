import FanfareTestKit
import Foundation
import Testing

/// A node that stands still (a paused machine, a debugger): its kernel still takes connections, so nginx can't know. Clients that give
/// a request up and ask again land elsewhere, and what the node had goes on when it does.
@Suite("Cluster: a node that stands still", .serialized, .timeLimit(.minutes(10)))
struct FrozenNodeTests {
    private static let history = ["--namespaces", "h: history=1000/10m recovery"]

    @Test(
        "polls through nginx that are given up and asked again hear everything once, in order; the node goes on where it was"
    )
    func polls() async throws {
        let flags = Self.history + ["--poll-gap", "60s", "--ping-interval", "off"]
        try await withCluster(nodes: 2, flags: flags) { cluster in
            let (frozen, other) = (cluster.nodes[0], cluster.nodes[1])
            let there = try await frozen.raw("h:a")
            let first = try #require(try await PollClient(port: frozen.port, channel: "h:a").poll("wait=0").position)
            let begun = try await PollClient(port: other.port, channel: "plain").poll("cursor=new&wait=0")
            frozen.signal(SIGSTOP)
            let poller = PollClient(port: cluster.port, channel: "h:a")
            var (position, heard, givenUp, route) = (first, [Int](), 0, 0)
            for number in 1...40 where number <= 8 || givenUp == 0 {
                try await other.publish("h:a", "\(number)")
                while heard.last != number {
                    route += 1
                    guard
                        let answer = try? await poller.poll(
                            "since=\(position)&wait=500ms&route=f\(route)", within: .milliseconds(1_500))
                    else {
                        givenUp += 1
                        continue
                    }
                    #expect(answer.head.status == 200 || answer.head.status == 204, "\(answer.head.status)")
                    heard += Self.numbers(answer.lines)
                    position = try #require(answer.position)
                }
            }
            let count = try #require(heard.last)
            #expect(heard == Array(1...count) && givenUp > 0, "given up: \(givenUp)")
            // What is kept on the other node is there for whoever does not ask the frozen one.
            try await other.publish("plain", "1")
            let kept = try await PollClient(port: other.port, channel: "plain").poll("cursor=\(begun.cursor ?? "")")
            #expect(Self.numbers(kept.lines) == [1])
            frozen.signal(SIGCONT)
            for number in 1...count { #expect(try await there.nextText(within: .seconds(90)) == "\(number)") }
            try await eventually("it is ready") { await frozen.isReady() }
            let late = try await PollClient(port: frozen.port, channel: "h:a").poll("since=\(first)")
            #expect(Self.numbers(late.lines) == Array(1...count))
            try await eventually("the polls that were given up are gone") {
                try await frozen.metric("fanfare_connections") == 1
            }
            await there.close()
        }
    }

    private static func numbers(_ lines: [String]) -> [Int] {
        lines.compactMap { $0.firstMatch(of: /"data":(\d+)/).flatMap { Int($0.1) } }
    }

    @Test(
        "a session whose node stands still: requests through others get 503 in time, and when it goes on nothing is lost",
        arguments: EmulatedClient.Form.allCases)
    func emulation(form: EmulatedClient.Form) async throws {
        try await withEmulation(2) { cluster in
            let (frozen, other) = (cluster.nodes[0], cluster.nodes[1])
            let client = try await EmulatedClient.connect(frozen.port, form)
            let subscribed = try await client.command(#""subscribe":{"channel":"chat:a"}"#, through: other.port)
            #expect(subscribed.errorCode == nil)
            frozen.signal(SIGSTOP)
            async let refused = client.post(#"{"id":90,"ping":{}}"#, through: other.port)
            for number in 1...20 { try await other.publish("chat:a", "\(number)") }
            let answer = try await refused
            #expect(answer.status == 503 && answer["retry-after"] != nil && answer["fanfare-outcome"] == "unknown")
            frozen.signal(SIGCONT)
            for number in 1...20 { #expect(try await client.nextData() == "\(number)") }
            // The other node may have lost sight of it for a moment.
            try await eventually("its requests are taken again") {
                try await client.post(#"{"id":91,"ping":{}}"#, through: other.port).status == 204
            }
            let sent = try await client.command(#""publish":{"channel":"chat:a","data":21}"#, through: other.port)
            #expect(sent.errorCode == nil)
            #expect(try await client.nextData() == "21")
            await client.close()
        }
    }

    @Test("a session of SockJS goes on where it was: what came meanwhile is the next poll's, in order and once")
    func sockJS() async throws {
        try await withCluster(nodes: 2, flags: Self.history) { cluster in
            let (frozen, other) = (cluster.nodes[0], cluster.nodes[1])
            let client = SockJSClient(frozen.port, "channels/h:a")
            try await client.open()
            frozen.signal(SIGSTOP)
            // A session without a request lives five seconds: it has one at once.
            async let messages = client.messages(20)
            for number in 1...20 { try await other.publish("h:a", "\(number)") }
            frozen.signal(SIGCONT)
            #expect(try await messages == (1...20).map(String.init))
            #expect(try await client.send(["21"]) == 204)
            #expect(try await client.messages(1) == ["21"])
        }
    }

    @Test("a session of Engine.IO goes on where it was: what was sent meanwhile is done once and in order")
    func engineIO() async throws {
        try await withEchoes(2, ["--ping-interval", "20s", "--pong-timeout", "15s"]) { nodes, _ in
            let client = try await EngineIOClient.open(nodes[0].port)
            #expect(try await client.post(nodes[1].port, "40").body == "ok")
            #expect(try await client.poll(nodes[1].port) == ["40"])
            let waiting = try await client.pending(nodes[1].port)
            try await eventually("a poll waits") { try await nodes[0].metric("fanfare_engineio_waiting_polls") == 1 }
            nodes[0].signal(SIGSTOP)
            async let first = client.post(nodes[1].port, "41")
            try await Task.sleep(for: .milliseconds(300))
            nodes[0].signal(SIGCONT)
            let status = try await first.status
            for number in 2...9 { #expect(try await client.post(nodes[1].port, "4\(number)").status == 200) }
            var heard = try await waiting.nextAnswer().body.components(separatedBy: EngineIOClient.separator)
            while heard.last != "49" { heard += try await client.poll(nodes[0].port) }
            // One that got an error may have been done.
            let all = (1...9).map { "4\($0)" }
            #expect(heard == all || status != 200 && heard == Array(all[1...]), "\(status) \(heard)")
            await waiting.close()
        }
    }
}
