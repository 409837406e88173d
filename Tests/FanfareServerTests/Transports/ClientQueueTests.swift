import FanfareCore
import FanfareTestKit
import FanfareWire
import Foundation
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareServer

/// What waits for a client: bounded before it is queued, shared where it is the same, and told when it was too much.
@Suite("Client queues")
struct ClientQueueTests {
    private func with(
        _ rules: [ExactText: ChannelRules] = [:], change: (inout Limits) -> Void = { _ in },
        _ body: (ClientBench) throws -> Void
    ) throws {
        let bench = ClientBench(rules: rules, change: change)
        defer { bench.end() }
        try body(bench)
    }

    private func text(_ number: Int, _ count: Int) -> String {
        let text = "\(number) "
        return text + String(repeating: "x", count: count - text.utf8.count)
    }

    /// Who has heard everything, once, and each channel in its order.
    private func isWhole(_ client: BenchClient, _ burst: [(channel: String, text: String)]) -> Bool {
        let (received, expected) = (client.received(), burst.map(\.text))
        return received.sorted() == expected.sorted()
    }

    @Test(
        "a burst over many channels waits once for all clients, within the limit of each, and who reads gets all of it")
    func manyChannels() throws {
        try with { bench in
            let names = (0..<60).map { "c\($0)" }
            let readers = try (0..<2).map { _ in try bench.client(names) }
            let sleepers = try (0..<20).map { _ in try bench.client(names, room: 0) }
            let burst = names.enumerated().map { (channel: $1, text: text($0, 40_000)) }
            try bench.publish(burst)
            for reader in readers { #expect(isWhole(reader, burst)) }
            let limit = bench.node.configuration.limits.maxQueueBytes
            #expect(bench.count(.queueBytes) <= sleepers.count * limit)
            #expect(bench.node.metrics.sum(.slow) == sleepers.count)
            #expect(sleepers.allSatisfy { $0.client.life.phase == .closing })
        }
    }

    @Test("what waits for many clients is in memory once")
    func shared() throws {
        try with { bench in
            let names = (0..<20).map { "c\($0)" }
            let sleepers = try (0..<30).map { _ in try bench.client(names, room: 10) }
            try bench.publish(names.enumerated().map { (channel: $1, text: text($0, 40_000)) })
            #expect(sleepers.allSatisfy { $0.client.life.phase == .open })
            #expect(bench.count(.queueBytes) > sleepers.count * 700_000)
            // 800 KB of publications; buffers have sizes of powers of two.
            #expect(bench.count(.queueMemory) < 2_000_000 && bench.count(.queueMemory) == bench.node.queueMemory.bytes)
        }
    }

    @Test(
        "clients with different channels, slow and fast, get their publications in order or are cut", arguments: 0..<40)
    func model(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        try with(change: { $0.maxQueueBytes = 200_000 }) { bench in
            let names = (0..<8).map { "c\($0)" }
            var clients: [(client: BenchClient, names: Set<String>, expected: [String: [String]])] = []
            for _ in 0..<6 {
                let mine = names.filter { _ in Bool.random(using: &random) }
                let client = try bench.client(
                    mine.isEmpty ? ["c0"] : mine, room: Int.random(in: 0...1_000, using: &random))
                clients.append((client, Set(mine.isEmpty ? ["c0"] : mine), [:]))
            }
            var number = 0
            for _ in 0..<40 {
                var burst: [(channel: String, text: String)] = []
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    number += 1
                    let name = names[Int.random(in: 0..<8, using: &random)]
                    let size = Int.random(in: 10...(number.isMultiple(of: 5) ? 70_000 : 3_000), using: &random)
                    burst.append((name, "\(name) " + text(number, size)))
                }
                for index in clients.indices {
                    for (name, text) in burst where clients[index].names.contains(name) {
                        clients[index].expected[name, default: []].append(text)
                    }
                }
                try bench.publish(burst)
                let open = clients.filter { $0.client.client.life.phase == .open }
                for one in open { #expect(one.client.client.outbound.outbox.liveBytes <= 200_000) }
                for one in clients where Bool.random(using: &random) {
                    one.client.take(Int.random(in: 0...90_000, using: &random))
                }
            }
            for one in clients {
                one.client.take(1 << 40)
                let received = one.client.received()
                let isCut = received.last == "close 3008"
                #expect(isCut == (one.client.client.life.phase != .open))
                for name in one.names {
                    let mine = received.filter { $0.hasPrefix(name + " ") }
                    let expected = one.expected[name] ?? []
                    #expect(isCut ? Array(expected.prefix(mine.count)) == mine : expected == mine)
                }
                #expect(one.client.client.outbound.outbox.isEmpty)
            }
            #expect(bench.count(.queueBytes) == 0 && bench.count(.queueMemory) == 0)
        }
    }

    @Test("a recovery of three times the queue goes to a client that keeps reading, with live traffic behind it")
    func recovery() throws {
        try with { bench in
            let channel = try ChannelName("a")
            let client = try bench.client(["a"], room: 0)
            let start = (0..<800).map { number in
                Publication(channel: channel, payload: Payload(text: text(number, 4_000)))
            }
            client.client.begin(channel, SubscriptionStart(publications: start))
            bench.loop.flush()
            #expect(client.client.hasAnswerWaiting)
            // 1.3 MB and 20 publications a second.
            for number in 800..<900 {
                try bench.publish([("a", text(number, 4_000))])
                client.take(65_000)
            }
            #expect(client.client.life.phase == .open && !client.client.hasAnswerWaiting)
            #expect(client.received() == (0..<900).map { text($0, 4_000) })
        }
    }

    @Test("behind a big answer live traffic has its own limit, and beyond it the client is told")
    func behindAnswer() throws {
        try with { bench in
            let client = try bench.client(["a"], room: 100)
            client.client.answer(WebSocketFrame.encode(.text, payload: ByteBuffer(repeating: 65, count: 3_000_000)))
            bench.loop.flush()
            for number in 0..<26 { try bench.publish([("a", text(number, 40_000))]) }
            #expect(client.client.life.phase == .open)
            try bench.publish([("a", text(26, 40_000))])
            #expect(client.client.life.phase == .closing)
            client.take(1 << 40)
            #expect(client.received() == [String(repeating: "A", count: 3_000_000), "close 3008"])
        }
    }

    @Test("a repaired gap of some megabytes is a delay; as much live traffic is not", arguments: [true, false])
    func repairedGap(isRepaired: Bool) throws {
        try with { bench in
            let clients = try (0..<5).map { _ in try bench.client(["a"], room: 0) }
            try bench.publish((0..<900).map { ("a", text($0, 4_000)) }, isRepaired: isRepaired)
            for client in clients { #expect((client.client.life.phase == .open) == isRepaired) }
            for number in 900..<1_000 {
                try bench.publish([("a", text(number, 4_000))])
                for client in clients { client.take(65_000) }
            }
            for client in clients where isRepaired { #expect(client.received() == (0..<1_000).map { text($0, 4_000) }) }
        }
    }

    @Test("the close frame comes behind the frame that is under way, also when nothing more fits the queue")
    func closeFrame() throws {
        try with(change: { $0.maxQueueBytes = 100_000 }) { bench in
            let client = try bench.client(["a"], room: 50_000)
            for number in 0..<4 { try bench.publish([("a", text(number, 90_000))]) }
            #expect(client.client.life.phase == .closing)
            client.take(1 << 40)
            #expect(client.received() == [text(0, 90_000), "close 3008"])
        }
    }

    /// Subscribes with a lead before each publication.
    private func subscribe(_ client: BenchClient, _ lead: String, _ bench: ClientBench) throws {
        let encoder = FormatDefinition.personal(PayloadCodec(), in: WebSocketFraming())
        let format = try #require(bench.node.formats.intern("personal", as: encoder))
        bench.loop.flushHub()
        client.client.opening = ClientOpening { _ in client.client.opening = nil }
        bench.loop.shard.subscribe(
            client.client, to: try ChannelName("p"), request: 1, format: format, lead: .fixed(Array(lead.utf8)))
        bench.run()
    }

    private struct PayloadCodec: Codec {
        func body(_ publication: Publication) -> Body { Body(publication.payload) }
    }

    @Test("what waits for clients with leads of their own is shared but for the leads, within the limit of each")
    func leads() throws {
        try with(change: { $0.maxQueueBytes = 100_000 }) { bench in
            let clients = try (0..<20).map { _ in try bench.client(["a"], room: 10) }
            for (number, client) in clients.enumerated() { try subscribe(client, "<\(number)>", bench) }
            let burst = [text(0, 40_000), "small", text(1, 40_000)]
            try bench.publish(burst.map { ("p", $0) })
            #expect(clients.allSatisfy { $0.client.life.phase == .open })
            #expect(bench.count(.queueBytes) > clients.count * 80_000)
            #expect(bench.count(.queueMemory) < 400_000 && bench.count(.queueMemory) == bench.node.queueMemory.bytes)
            clients[0].take(1 << 40)
            #expect(clients[0].received() == burst.map { "<0>" + $0 })
            // One more is too much for those that took nothing; they hear the end of the frame under way, and why.
            try bench.publish([("p", text(2, 30_000))])
            #expect(clients.map { $0.client.life.phase == .open } == [true] + Array(repeating: false, count: 19))
            for (number, client) in clients.enumerated().dropFirst() {
                client.take(1 << 40)
                let heard = client.received()
                #expect(heard.last == "close 3008" && heard.count > 1 && heard.count < 5)
                #expect(heard.dropLast() == burst.map { "<\(number)>" + $0 }.prefix(heard.count - 1))
            }
            clients[0].take(1 << 40)
            #expect(clients[0].received().last == "<0>" + text(2, 30_000))
            #expect(bench.node.queueMemory.bytes == 0 && bench.count(.queueBytes) == 0)
        }
    }

    @Test("where only the newest counts, a client that is behind gets that of each channel and is not cut")
    func newest() throws {
        var rules = ChannelRules()
        rules.queue = .newest
        try with(["price": rules], change: { $0.maxQueueBytes = 100_000 }) { bench in
            let names = (0..<40).map { "price:\($0)" }
            let client = try bench.client(names, room: 10)
            let reader = try bench.client(names)
            for round in 0..<5 { try bench.publish(names.map { ($0, text(round, 20_000)) }) }
            #expect(client.client.life.phase == .open && reader.received().count == 200)
            for _ in 0..<60 { client.take(20_000) }
            let received = client.received()
            #expect(received.filter { $0 == text(4, 20_000) }.count == 40)
            #expect(bench.count(.skipped) + received.count == 200)
        }
    }

    @Test("when all queues together are too much, the largest clients are cut and told, the others stay")
    func node() throws {
        try with(change: { $0.maxNodeQueueBytes = 2_000_000 }) { bench in
            let clients = try (0..<8).map { try bench.client(["c\($0)"], room: 0) }
            // c0 has 700 KB to take, the others a tenth.
            for number in 0..<7 { try bench.publish([("c0", text(number, 100_000))]) }
            for index in 1..<8 { try bench.publish([("c\(index)", text(0, 70_000))]) }
            #expect(clients.allSatisfy { $0.client.life.phase == .open })
            for number in 7..<10 { try bench.publish([("c0", text(number, 100_000))]) }
            #expect(clients.map { $0.client.life.phase == .open } == [false] + Array(repeating: true, count: 7))
            #expect(bench.count(.queueCuts) == 1 && bench.node.metrics.sum(.slow) == 1)
            #expect(bench.node.queueMemory.bytes <= bench.node.queueMemory.limit)
            clients[0].take(1 << 40)
            #expect(clients[0].received().last == "close 3008")
        }
    }

    /// A client of the Centrifuge protocol that may do everything.
    private func centrifuge(_ bench: ClientBench) throws -> BenchClient {
        var claims = ConnectClaims()
        claims.user = "ann"
        var session = CentrifugeSession(bench.node.centrifuge, clientID: bench.loop.makeClientID())
        _ = session.receive(.init(id: 1, method: .connect(token: nil)))
        session.grants.identity = ClientIdentity(claims, permissions: .publish, now: bench.node.clock.tokenTime)
        return try bench.client(.centrifuge(session))
    }

    @Test("big answers do not keep the loop from its sockets either, nor do histories for its clients")
    func bigAnswers() throws {
        try with { bench in
            let client = try centrifuge(bench)
            let page = HistoryPage(publications: [], position: StreamPosition(offset: 0, epoch: "e"))
            for id in 1...100 {
                bench.loop.outcomes.post(
                    .init(
                        client: NIOLoopBound(client.client, eventLoop: bench.eventLoop), id: UInt32(id),
                        answer: .read(since: nil, .success(page))))
            }
            bench.eventLoop.run()
            // One line each; a visit has as many as count for its 1,024 events.
            let first = client.received().count
            #expect(0 < first && first <= TurnBudget.events / TurnBudget.bigAnswer)
            bench.run()
            #expect(client.received().joined().components(separatedBy: "\"history\"").count == 101)
            // Histories that the hub asked for weigh as much: what is behind them waits.
            let reader = try bench.client(["a"])
            let channel = try ChannelName("gone")
            var events = (0..<100).map { BrokerEvent.history(channel, read: UInt64($0), .success(page)) }
            events.append(
                .publication(
                    PreparedPublication(
                        Publication(channel: try ChannelName("a"), payload: Payload(text: "x")),
                        formats: bench.node.formats, receivedAt: 0)))
            bench.loop.mailbox.post(contentsOf: events)
            bench.eventLoop.run()
            #expect(reader.received() == [])
            bench.run()
            #expect(reader.received() == ["x"])
        }
    }

    @Test("what a read of members brought is charged, also when its answer is refused for its size")
    func refusedMembers() throws {
        var rules = ChannelRules()
        (rules.presence, rules.readPresence) = (true, .clients)
        try with(["p": rules], change: { $0.maxReadRate = 1 }) { bench in
            let client = try centrifuge(bench)
            let big = ByteBuffer(string: "\"" + String(repeating: "x", count: 4_000) + "\"")
            // 800 KB.
            let infos = (0..<100).map { ClientInfo(client: ExactText("\($0)"), connInfo: big, chanInfo: big) }
            bench.broker.join(infos, try ChannelName("p:a"), returning: false) { _ in }
            let began = ContinuousClock.now
            for id in 2...3 {
                try client.send(#"{"id":\#(id),"presence":{"channel":"p:a"}}"#)
                bench.run()
            }
            let heard = client.received().joined()
            #expect(heard.contains(#""id":2,"error":{"code":106"#), "\(heard)")
            let rest = try #require(heard.split(separator: "retry_after\":").dropFirst().first)
            // Half a megabyte at 64 KiB a read.
            let wait = try #require(Int(rest.prefix { $0.isNumber }))
            let passed = Int((ContinuousClock.now - began) / .milliseconds(1)) + 1
            #expect(heard.contains(#""id":3,"error":{"code":111"#), "\(heard)")
            #expect(wait <= 8_000 && wait + passed >= 6_000, "\(wait) after \(passed)")
        }
    }

    @Test("many small publications do not keep the loop from its sockets")
    func turns() throws {
        try with { bench in
            let client = try bench.client(["a"])
            let events = try (0..<5_000).map { _ in
                let publication = Publication(channel: try ChannelName("a"), payload: Payload(text: "x"))
                return BrokerEvent.publication(PreparedPublication(publication, formats: FormatTable(), receivedAt: 0))
            }
            bench.loop.mailbox.post(contentsOf: events)
            // NIO looks at its sockets when no task is due any more.
            bench.eventLoop.run()
            let first = client.received().count
            #expect(0 < first && first <= 1_024)
            bench.run()
            #expect(client.received().count == 5_000)
        }
    }
}
