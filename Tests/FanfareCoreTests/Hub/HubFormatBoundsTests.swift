import FanfareProtocols
import FanfareWire
import Testing

@testable import FanfareCore

/// A publication is written once for each of a channel's formats, before anybody has it.
@Suite("Hub shard: bounds of formats that clients make")
struct HubFormatBoundsTests {
    private let formats = FormatTable()
    private let maximum = HubShard<TestMember>.maximumFormats

    /// A format of its own for each name.
    private func format(_ name: String) throws -> WireFormat {
        try #require(formats.intern(ExactText(name), as: .personal(PlainCodec(), in: WebSocketFraming())))
    }

    /// Each for another maker, if nothing is said.
    private func subscribe(
        _ bench: HubBench, _ format: WireFormat, _ lead: String = "<>", by maker: String? = nil
    ) -> TestMember {
        let member = bench.client(format: format)
        bench.subscribe(
            member, "a", request: 1, format: format, as: .fixed(Array(lead.utf8)),
            maker: FormatMaker(ExactText(maker ?? "\(format.id)")))
        return member
    }

    @Test("a channel has so many: another one is refused, but neither the same once more nor a built-in one")
    func limit() throws {
        let bench = HubBench()
        let known = try (0..<maximum).map { try format("\($0)") }
        // Leads of several lengths are lists of their own, and the same format.
        let members = known.map { subscribe(bench, $0) } + known.map { subscribe(bench, $0, "<longer>") }
        #expect(members.allSatisfy { $0.answers == ["+a#1"] })
        let other = try format("other")
        #expect(subscribe(bench, other).answers == ["!a#1"])
        #expect(bench.metrics.counters.value(.formatRefusals) == 1)
        let stomp = bench.client()
        bench.subscribe(stomp, "a", request: 1, format: other, lead: "<1>")
        let raw = bench.client()
        bench.subscribe(raw, "a")
        #expect(stomp.answers == ["+a#1"] && raw.answers == ["+a#0"])
        // Both lists of a format have to be gone.
        bench.shard.leave(members[0])
        #expect(subscribe(bench, other).answers == ["!a#1"])
        bench.shard.leave(members[maximum])
        #expect(subscribe(bench, other).answers == ["+a#1"])
    }

    @Test("beyond what is anybody's a maker has its share of a channel, and others find room")
    func shares() throws {
        let (bench, free) = (HubBench(), HubShard<TestMember>.freeFormats)
        let greedy = try (0..<free).map { subscribe(bench, try format("\($0)"), by: "greedy") }
        #expect(greedy.allSatisfy { $0.answers == ["+a#1"] })
        let next = try format("next")
        #expect(subscribe(bench, next, by: "greedy").answers == ["!a#1"])
        for number in 0..<HubShard<TestMember>.formatsOfMaker {
            #expect(subscribe(bench, try format("other \(number)"), by: "other").answers == ["+a#1"])
        }
        #expect(subscribe(bench, next, by: "other").answers == ["!a#1"])
        #expect(subscribe(bench, next, by: "third").answers == ["+a#1"])
        // What is there already is no new one.
        #expect(subscribe(bench, next, by: "greedy").answers == ["+a#1"])
        #expect(bench.metrics.counters.value(.formatRefusals) == 2)
    }

    @Test("who finds no room any more when it has caught up is refused, and goes on with its other subscriptions")
    func sharesAfterRecovery() throws {
        let (bench, channel) = (HubBench(answersAtOnce: false), try ChannelName("a"))
        let members = try (0...maximum).map { number in
            let format = try format("\(number)")
            let member = bench.client(format: format)
            bench.shard.subscribe(
                member, to: channel, request: 1, wish: .since(StreamPosition(offset: 1, epoch: "e")), format: format,
                lead: .fixed(Array("<>".utf8)), maker: FormatMaker(ExactText("\(number)")))
            return member
        }
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: StreamPosition(offset: 2, epoch: "e"))
        }
        // The read is ahead of live traffic: they wait for it, all of them at once.
        let publications = (2...3 as ClosedRange<UInt64>).map { Self.publication("\($0)", offset: $0, channel) }
        let page = HistoryPage(publications: publications, position: StreamPosition(offset: 3, epoch: "e"))
        for _ in 0..<2 { bench.shard.history(channel, read: bench.shard.lastRead, .success(page)) }
        bench.shard.publish(
            PreparedPublication(publications[1], formats: formats, receivedAt: 0))
        bench.flush()
        #expect(members.dropLast().allSatisfy { $0.answers == ["+a#1"] })
        #expect(members.last?.answers == ["+a#1", "!a#1"])
        #expect(
            bench.shard.subscribers(of: channel) == maximum && bench.metrics.counters.value(.formatRefusals) == 1)
    }

    private static func publication(_ text: String, offset: UInt64, _ channel: ChannelName) -> Publication {
        Publication(
            channel: channel, payload: Payload(text: text), position: StreamPosition(offset: offset, epoch: "e"))
    }

    @Test("each format beyond the first counts as all bytes that are written for it, however short the publication is")
    func work() throws {
        let bench = HubBench()
        for name in ["a", "b", "c"] {
            let mark = PlainCodec(mark: String(repeating: name, count: 1_000))
            let format = try #require(
                formats.intern(ExactText(name), as: .personal(mark, in: WebSocketFraming())))
            // Leads of several lengths are lists of their own, and written once.
            for lead in ["<>", "<longer>"] { _ = subscribe(bench, format, lead) }
        }
        try bench.publish("a", "x", formats)
        #expect(bench.shard.takeWork() == 3 * 1_001 - 1)
    }
}
