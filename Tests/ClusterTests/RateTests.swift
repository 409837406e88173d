import FanfareTestKit
import NIOCore
import Synchronization
import Testing

/// Who sends faster than it may is held back or refused, loses nothing that was accepted, and its neighbours feel nothing.
@Suite("Cluster: rates", .serialized)
struct RateTests {
    private func throttled(_ node: Node, _ limit: String) async throws -> Double {
        try await node.metric("fanfare_throttled_total{limit=\"\(limit)\"}")
    }

    private func refused(_ node: Node, _ limit: String) async throws -> Double {
        try await node.metric("fanfare_rate_refusals_total{limit=\"\(limit)\"}")
    }

    /// Checks that `body` takes at least that long, and that a neighbour's messages come back meanwhile.
    private func takes(atLeast time: Duration, _ node: Node, _ body: () async throws -> Void) async throws {
        let neighbour = try await node.raw("neighbour")
        let isOver = Flag()
        async let rounds: Int = {
            var rounds = 0
            while !isOver.isSet {
                try await neighbour.send("round \(rounds)")
                let heard = try await neighbour.nextText()
                #expect(heard == "round \(rounds)")
                rounds += 1
                try await Task.sleep(for: .milliseconds(50))
            }
            return rounds
        }()
        let began = ContinuousClock.now
        do {
            try await body()
        } catch {
            isOver.set()
            throw error
        }
        let took = ContinuousClock.now - began
        isOver.set()
        let count = try await rounds
        #expect(took >= time)
        #expect(count > 1)
    }

    /// Messages in one piece, so that the node has them all however slow this machine is.
    private func send(_ texts: [String], _ client: WebSocketClient) {
        var bytes = ByteBuffer()
        for text in texts { bytes.writeImmutableBuffer(WebSocketClient.frame(opcode: 1, Array(text.utf8))) }
        client.socket.sendLater(bytes)
    }

    @Test("a raw publisher above its rate is heard late, whole and in order")
    func rawPublisher() async throws {
        try await withNode(flags: ["--max-publish-rate", "40"]) { node in
            let listener = try await node.raw("c")
            let publisher = try await node.raw("c")
            try await takes(atLeast: .milliseconds(1_490), node) {
                send((0..<100).map { "\($0)" }, publisher)
                for number in 0..<100 {
                    let text = try await listener.nextText()
                    #expect(text == "\(number)")
                }
            }
            let times = try await throttled(node, "publish")
            // Each time at least one more is let through.
            #expect(times >= 1 && times <= 61)
            #expect(try await throttled(node, "messages") == 0)
            #expect(try await node.metric("fanfare_command_errors_total") == 0)
        }
    }

    @Test("more bytes than the rate allows come late, whole and in order")
    func bytes() async throws {
        try await withNode(flags: ["--max-byte-rate", "64KiB", "--max-message-bytes", "16KiB"]) { node in
            let listener = try await node.raw("c")
            let publisher = try await node.raw("c")
            let text = String(repeating: "x", count: 9_990)
            try await takes(atLeast: .milliseconds(1_900), node) {
                send((100..<120).map { "\($0)" + text }, publisher)
                for number in 100..<120 {
                    let message = try await listener.nextText()
                    #expect(message.hasPrefix("\(number)x") && message.count == 9_993)
                }
            }
            #expect(try await throttled(node, "bytes") >= 1)
        }
    }

    @Test("commands above the rate are answered late, but answered, also those that are refused")
    func commands() async throws {
        let flags = ["--max-message-rate", "100", "--max-commands", "50", "--max-publish-rate", "1"]
        try await withNode(flags: flags) { node in
            let client = try await node.centrifuge()
            try await takes(atLeast: .milliseconds(1_490), node) {
                send(
                    (100..<350).map { "{\"id\":\($0),\"publish\":{\"channel\":\"c\",\"data\":\($0)}}" }, client.socket)
                // Those that are refused in their order; the others wait for the broker.
                var refused: [Int] = []
                var accepted: Set<Int> = []
                for _ in 100..<350 {
                    let reply = try await client.read()
                    let id = try #require(reply.id)
                    if reply.errorCode == 111 { refused.append(id) } else { accepted.insert(id) }
                }
                #expect(accepted.union(refused) == Set(100..<350))
                #expect(refused == refused.sorted() && accepted.contains(100))
            }
            #expect(try await throttled(node, "messages") >= 1)
            let refusals = try await refused(node, "publish")
            #expect(refusals >= 200 && refusals < 250)
            #expect(try await node.metric("fanfare_command_errors_total") == refusals)
        }
    }

    @Test("a publish above the rate gets 111, and is taken after retry_after")
    func publish() async throws {
        try await withNode(flags: ["--max-publish-rate", "2"]) { node in
            let listener = try await node.raw("c")
            let client = try await node.centrifuge()
            // More than flow in while the node handles them, however slow it is.
            let ids = 11...60
            let commands = ids.map { "{\"id\":\($0),\"publish\":{\"channel\":\"c\",\"data\":\($0)}}" }
            try await client.socket.send(commands.joined(separator: "\n"))
            var replies: [Int: CentrifugeClient.Message] = [:]
            for _ in ids {
                let reply = try await client.read()
                replies[reply.id ?? 0] = reply
            }
            let taken = ids.filter { replies[$0]?.errorCode == nil }
            #expect(taken.starts(with: [11, 12]) && taken.count < 30, "\(taken)")
            for id in ids where !taken.contains(id) {
                let reply = try #require(replies[id])
                #expect(reply.errorCode == 111 && reply.isTemporary)
                let wait = try #require(reply.retryAfter)
                #expect((1...500).contains(wait))
            }
            try await Task.sleep(for: .milliseconds(replies[60]?.retryAfter ?? 500))
            #expect(try await client.publish("c", "100").errorCode == nil)
            for heard in taken + [100] { #expect(try await listener.nextText() == "\(heard)") }
            #expect(try await refused(node, "publish") == Double(ids.count - taken.count))
            #expect(try await throttled(node, "publish") == 0)
        }
    }

    @Test("a subscribe above the rate gets 111, and is taken after retry_after; so do reads")
    func subscribe() async throws {
        try await withNode(flags: ["--max-subscribe-rate", "1", "--max-read-rate", "1", "--max-channels", "3"]) {
            node in
            let client = try await node.centrifuge()
            // More than flow in while the node handles them, however slow it is.
            let ids = 11...40
            let commands = ids.flatMap { id in
                ["subscribe", "unsubscribe"].map { "{\"id\":\(id),\"\($0)\":{\"channel\":\"c\(id)\"}}" }
            }
            try await client.socket.send(commands.joined(separator: "\n"))
            var (refusals, wait) = ([Int](), 1_000)
            for _ in commands {
                let reply = try await client.read()
                guard let code = reply.errorCode else { continue }
                #expect(code == 111 && reply.isTemporary)
                refusals.append(try #require(reply.id))
                let time = try #require(reply.retryAfter)
                #expect((1...1_000).contains(time))
                if reply.id == ids.last { wait = time }
            }
            #expect(refusals == refusals.sorted() && refusals.first ?? 0 >= 14 && refusals.count >= 15, "\(refusals)")
            try await Task.sleep(for: .milliseconds(wait))
            #expect(try await client.subscribe("d").errorCode == nil)

            let reads = (51...80).map { "{\"id\":\($0),\"presence_stats\":{\"channel\":\"d\"}}" }
            try await client.socket.send(reads.joined(separator: "\n"))
            var readsRefused = 0
            for id in 51...80 {
                let reply = try await client.read()
                // The one of this second, with the node's own answer.
                #expect(reply.id == id && (reply.errorCode == 108 || id > 51 && reply.errorCode == 111))
                if reply.errorCode == 111 { readsRefused += 1 }
            }
            #expect(readsRefused >= 15)
            #expect(try await refused(node, "subscribe") == Double(refusals.count))
            #expect(try await refused(node, "read") == Double(readsRefused))
        }
    }

    @Test("who comes back with all its channels at once is neither refused nor held back")
    func comingBack() async throws {
        try await withNode { node in
            for _ in 0..<3 {
                let client = try await CentrifugeClient.open(node.port)
                let subscribes = (2...129).map { "{\"id\":\($0),\"subscribe\":{\"channel\":\"c\($0)\"}}" }
                try await client.socket.send((["{\"id\":1,\"connect\":{}}"] + subscribes).joined(separator: "\n"))
                for _ in 1...129 {
                    let reply = try await client.read()
                    #expect(reply.errorCode == nil)
                }
                await client.close()
            }
            #expect(try await refused(node, "subscribe") == 0)
            #expect(try await throttled(node, "messages") == 0)
        }
    }

    @Test("who is held back and goes is let go at once, however it goes and whatever it left behind")
    func gone() async throws {
        try await withNode(flags: ["--max-publish-rate", "1", "--max-message-bytes", "16KiB"]) { node in
            let files = try await node.metric("process_open_fds")
            for (index, count) in [3, 3, 100].enumerated() {
                let client = try await node.raw("c")
                let before = try await throttled(node, "publish")
                for _ in 0..<count { client.sendLater(String(repeating: "x", count: 10_000)) }
                try await eventually("it is held back") { try await throttled(node, "publish") > before }
                if index == 1 { await client.socket.reset() } else { await client.close() }
                try await eventually("it is gone") { try await node.metric("fanfare_connections") == 0 }
            }
            #expect(try await node.metric(#"fanfare_disconnects_total{code="1006"}"#) == 3)
            try await eventually("its sockets are closed") { try await node.metric("process_open_fds") <= files }
        }
    }

    @Test("who is held back for longer than a pong may take is alive, and may be cut afterwards")
    func alive() async throws {
        let flags = [
            "--max-byte-rate", "1KiB", "--max-message-bytes", "4KiB", "--ping-interval", "6s", "--pong-timeout", "5s",
        ]
        try await withNode(flags: flags) { node in
            let client = try await node.raw("c")
            var bytes = ByteBuffer()
            for _ in 0..<6 {
                bytes.writeImmutableBuffer(WebSocketClient.frame(opcode: 1, Array(repeating: 65, count: 4_000)))
            }
            try await client.socket.send(bytes)
            // The third is beyond the bucket; until all have flowed in, which takes two pings, the node hears no pong.
            for _ in 0..<6 { #expect(try await client.nextText().count == 4_000) }
            #expect(try await throttled(node, "bytes") >= 1)
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3012"}"#) == 0)
            #expect(try await node.metric("fanfare_pings_sent_total") >= 2)
            var code: UInt16?
            while let message = try await client.next(answersPings: false) {
                if case .close(let closed, _) = message { code = closed }
            }
            #expect(code == 3012)
        }
    }
}

/// What one task tells another.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
