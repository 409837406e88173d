import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// What clients read costs its reader, and nobody else.
@Suite("Cluster: reads", .serialized)
struct ReadTests {
    static let namespaces = [
        "--namespaces", "h: history=1000/10m recovery presence read-history=clients read-presence=clients",
    ]

    /// Fills a channel with publications of that many bytes.
    private func fill(_ node: Node, _ channel: String, _ count: Int, bytes: Int) async throws {
        let data = "\"" + String(repeating: "x", count: bytes) + "\""
        for first in stride(from: 0, to: count, by: 50) {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in first..<min(count, first + 50) {
                    group.addTask { try await node.publish(channel, data).status }
                }
                for try await status in group { #expect(status == 200) }
            }
        }
    }

    private func histories(_ channel: String, _ ids: ClosedRange<Int>) -> String {
        ids.map { "{\"id\":\($0),\"history\":{\"channel\":\"\(channel)\",\"limit\":-1}}" }.joined(separator: "\n")
    }

    /// Sends 256 reads in one message and reads nothing, while others publish on all nodes; then the replies are looked at.
    private func attack(_ nodes: [Node], _ limit: Double) async throws {
        let node = nodes[0]
        try await fill(node, "h:big", 64, bytes: 60_000)
        let attacker = try await node.centrifuge()
        let publishers = try await nodes.asyncMap { try await $0.centrifuge() }
        try await attacker.socket.socket.pauseReading()
        try await attacker.socket.send(histories("h:big", 1_001...1_256))
        for round in 0..<20 {
            for publisher in publishers {
                let reply = try await publisher.publish("h:other", "\(round)")
                #expect(reply.errorCode == nil, "\(reply.text)")
            }
            for node in nodes { #expect(await node.isReady()) }
            #expect(try await node.metric("fanfare_queue_bytes") <= limit)
        }
        for node in nodes { #expect(try await node.metric("fanfare_redis_reconnects_total") == 0) }
        try await attacker.socket.socket.resumeReading()
        for id in 1_001...1_008 {
            let reply = try await attacker.read()
            #expect(reply.id == id && [nil, 111].contains(reply.errorCode))
            // Half of what may wait for a client, and the publication with which that is full.
            #expect(reply.text.utf8.count < 600_000)
        }
        for client in publishers + [attacker] { await client.close() }
    }

    @Test("256 reads in one message hold up no publish on any node, and wait for their reader")
    func pipelined() async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.namespaces) { one in
                try await withNode("two", redis: redis.url, flags: Self.namespaces) { two in
                    try await attack([one, two], 1_048_576)
                }
            }
        }
    }

    @Test("the same on a node without Redis")
    func pipelinedInMemory() async throws {
        try await withNode(flags: Self.namespaces) { node in try await attack([node], 1_048_576) }
    }

    @Test("a read rate of 1 is one read in a second, and a big answer counts for several")
    func readRate() async throws {
        try await withNode(flags: Self.namespaces + ["--max-read-rate", "1"]) { node in
            try await fill(node, "h:a", 10, bytes: 30_000)
            let client = try await node.centrifuge()
            let began = ContinuousClock.now
            try await client.socket.send(histories("h:a", 11...13))
            let first = try await client.read()
            #expect(first.id == 11 && first.errorCode == nil && first.text.utf8.count > 300_000)
            for id in 12...13 {
                let reply = try await client.read()
                #expect(reply.id == id && reply.errorCode == 111)
                let wait = try #require(reply.retryAfter)
                let passed = Int((ContinuousClock.now - began) / .milliseconds(1)) + 1
                #expect(wait <= 5_000 && wait + passed >= 3_000, "\(wait) after \(passed)")
            }
            #expect(try await node.metric(#"fanfare_rate_refusals_total{limit="read"}"#) == 2)
            await client.close()
        }
    }

    @Test("who publishes and reads at once reads its own publication")
    func ownPublications() async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.namespaces + ["--max-read-rate", "0"]) { node in
                let client = try await node.centrifuge()
                for round in 1...30 {
                    try await client.socket.send(
                        "{\"id\":\(2 * round + 100),\"publish\":{\"channel\":\"h:a\",\"data\":\(round)}}\n"
                            + histories("h:a", 2 * round + 101...2 * round + 101))
                    let published = try await client.read()
                    #expect(published.id == 2 * round + 100 && published.errorCode == nil)
                    let read = try await client.read()
                    #expect(read.id == 2 * round + 101 && read.text.contains("\"data\":\(round),"))
                }
                try await client.subscribe("h:a")
                let members = try await client.command(#""presence":{"channel":"h:a"}"#).members
                #expect(members == [client.clientID])
                await client.close()
            }
        }
    }

    @Test("300 upgrades with ?last=1000 share what is read, and beyond the budget get 503")
    func rawRecoveries() async throws {
        let flags =
            Self.namespaces + [
                "--max-recovery-bytes", "64MiB", "--loops", "1", "--slow-timeout", "10m", "--handshake-timeout", "5m",
            ]
        try await withNode(flags: flags) { node in
            try await fill(node, "h:long", 1_000, bytes: 3_000)
            let before = try await node.metric("process_resident_memory_bytes")
            var sockets: [PlainSocket] = []
            for _ in 0..<300 {
                let socket = try PlainSocket(node.port, receiveBuffer: 4_096, segment: 536)
                socket.send(
                    ByteBuffer(
                        string:
                            "GET /channels/h:long/ws?last=1000 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                            + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
                sockets.append(socket)
            }
            let refused = #"fanfare_connections_refused_total{reason="recoveries"}"#
            try await eventually("all are answered") {
                for socket in sockets { _ = socket.push() }
                let connections = try await node.metric("fanfare_connections")
                return try await connections + node.metric(refused) == 300
            }
            #expect(try await node.metric(refused) > 100)
            #expect(try await node.metric("process_resident_memory_bytes") - before < 200_000_000)
            let client = try await node.raw("h:long")
            await client.close()
            for socket in sockets { socket.reset() }
            try await eventually("they are gone") { try await node.metric("fanfare_connections") == 0 }
            // What they did not take is given back.
            let again = try await WebSocketClient.connect(node.port, "/channels/h:long/ws?last=1000")
            for _ in 0..<1_000 { #expect(try await again.nextText().count == 3_002) }
            await again.close()
        }
    }

    @Test("commands of one message are answered in their order, also when they take many turns")
    func turns() async throws {
        try await TestTokens.withNode(flags: Self.namespaces + ["--loops", "1", "--max-subscribe-rate", "0"]) { node in
            let client = try await CentrifugeClient.session(node, #"{"sub":"42"}"#)
            let neighbour = try await CentrifugeClient.session(node, #"{"sub":"43"}"#)
            let subscribes = (1_001...1_128).map {
                "{\"id\":\($0),\"subscribe\":{\"channel\":\"$\($0)\",\"token\":\"a.b.c\"}}"
            }
            let pings = (1_129...1_512).map { "{\"id\":\($0),\"ping\":{}}" }
            try await client.socket.send((subscribes + pings).joined(separator: "\n"))
            #expect(try await neighbour.command(#""ping":{}"#).errorCode == nil)
            for id in 1_001...1_512 {
                let reply = try await client.read()
                #expect(reply.id == id && reply.errorCode == (id <= 1_128 ? 103 : nil))
            }
            for client in [client, neighbour] { await client.close() }
        }
    }

    @Test("refreshes have a rate, as everything that checks a signature")
    func refreshRate() async throws {
        try await TestTokens.withNode(flags: ["--max-subscribe-rate", "1", "--max-channels", "3"]) { node in
            let client = try await CentrifugeClient.session(node, #"{"sub":"42"}"#)
            let token = try await TestTokens.make(#"{"sub":"42"}"#)
            let refreshes = (11...60).map { "{\"id\":\($0),\"refresh\":{\"token\":\"\(token)\"}}" }
            try await client.socket.send(refreshes.joined(separator: "\n"))
            var refused = 0
            // More than flow in while the node handles them, however slow it is.
            for id in 11...60 {
                let reply = try await client.read()
                #expect(reply.id == id && [nil, 111].contains(reply.errorCode))
                if reply.errorCode == 111 { refused += 1 }
            }
            #expect(refused >= 30)
            await client.close()
        }
    }

    @Test("bad tokens of publishes over HTTP are cut at the address's rate of attempts, and good ones are no attempts")
    func postTokens() async throws {
        let flags = ["--trusted-proxies", "none", "--max-connect-rate-per-address", "2", "--users", "publish"]
        try await TestTokens.withNode(flags: flags) { node in
            let good = try await TestTokens.make(#"{"sub":"42"}"#)
            for _ in 0..<30 {
                let answer = try await HTTP.post(
                    node.port, "/channels/c", "x", headers: ["Authorization": "Bearer \(good)"])
                #expect(answer.status == 200)
            }
            let bad = try await TestTokens.make(#"{"sub":"42"}"#, secret: String(repeating: "n", count: 40))
            var statuses: [Int: Int] = [:]
            let began = ContinuousClock.now
            for _ in 0..<100 {
                let answer = try await HTTP.post(
                    node.port, "/channels/c", "x", headers: ["Authorization": "Bearer \(bad)"])
                statuses[answer.status, default: 0] += 1
                if answer.status == 429 { #expect(answer.headers.contains { $0.name.lowercased() == "retry-after" }) }
            }
            let seconds = Int((ContinuousClock.now - began).components.seconds) + 1
            let checked = try #require(statuses[401])
            #expect(checked <= 10 + 2 * seconds && statuses[429] == 100 - checked)
            #expect(
                try await node.metric(#"fanfare_tokens_refused_total{reason="signature"}"#) == Double(checked))
        }
    }

    @Test("more channels in connect than a client may have are refused")
    func subs() async throws {
        try await withNode { node in
            for (count, isFine) in [(128, true), (1_000, false)] {
                let client = try await CentrifugeClient.open(node.port)
                let subs = (0..<count).map { "\"c\($0)\":{}" }.joined(separator: ",")
                try await client.socket.send("{\"id\":1,\"connect\":{\"subs\":{\(subs)}}}")
                if isFine {
                    #expect(try await client.read().errorCode == nil)
                } else {
                    #expect(try await client.socket.closeCode() == 3501)
                }
                await client.close()
            }
        }
    }

    @Test("what a token's channels recover together is bounded: beyond it a channel begins anew")
    func serverSide() async throws {
        try await TestTokens.withNode(flags: Self.namespaces + ["--max-queue-bytes", "16MiB"]) { node in
            for channel in ["h:a", "h:b", "h:c"] { try await fill(node, channel, 40, bytes: 60_000) }
            let token = try await TestTokens.make(#"{"sub":"42","channels":["h:a","h:b","h:c"]}"#)
            let client = try await CentrifugeClient.open(node.port)
            let subs = ["h:a", "h:b", "h:c"].map { "\"\($0)\":{\"recover\":true,\"offset\":0,\"epoch\":\"\"}" }
            try await client.socket.send(
                "{\"id\":1,\"connect\":{\"token\":\"\(token)\",\"subs\":{\(subs.joined(separator: ","))}}}")
            let reply = try await client.read()
            #expect(reply.errorCode == nil)
            #expect(reply.text.components(separatedBy: "\"recovered\":true").count == 3)
            #expect(reply.text.components(separatedBy: "\"was_recovering\":true").count == 4)
            #expect(reply.text.utf8.count < 6_000_000)
            #expect(try await client.command(#""ping":{}"#).errorCode == nil)
            await client.close()
        }
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
