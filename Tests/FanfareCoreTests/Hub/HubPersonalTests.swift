import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareCore

@Suite("Hub shard: leads of subscriptions")
struct HubPersonalTests {
    /// How often something was encoded.
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }

    private struct CountingCodec: Codec {
        let count: Count

        func body(_ publication: Publication) -> Body {
            count.value.add(1, ordering: .relaxed)
            return Body(publication.payload)
        }
    }

    private let formats = FormatTable()
    private let count = Count()
    private let format: WireFormat

    init() throws {
        format = try #require(
            formats.intern("personal", as: .personal(CountingCodec(count: count), in: WebSocketFraming())))
    }

    /// A client in a channel with an open lane.
    private func client(_ bench: HubBench, _ channel: String, _ lead: String, room: Int = .max / 2) -> (
        member: TestMember, lane: TestLane
    ) {
        let (member, lane) = (bench.client(format: format), TestLane(room: room))
        bench.subscribe(member, channel, request: 1, lead: lead)
        bench.shard.setLane(member, lane)
        return (member, lane)
    }

    @Test("each gets its lead before what all share, which is encoded once, with one call to the kernel")
    func leads() throws {
        let bench = HubBench()
        let clients = ["<1>", "<2>", "<33>", ""].map { client(bench, "a", $0) }
        try bench.publish("a", "x", formats)
        bench.flush()
        #expect(clients.map { FrameText.whole($0.lane.taken) } == [["<1>x"], ["<2>x"], ["<33>x"], ["x"]])
        #expect(clients.allSatisfy { $0.lane.gatheredCalls == 1 && $0.member.writes == 0 })
        #expect(count.value.load(ordering: .relaxed) == 1)
        #expect(bench.metrics.counters.value(.deliveries) == 4)
        #expect(bench.metrics.counters.value(.deliveryWrites) == 4)
        #expect(bench.metrics.counters.value(.bytesSent) == clients.reduce(0) { $0 + $1.lane.taken.count })
    }

    @Test("of several publications in a turn each has its own header and lead, still in one call")
    func several() throws {
        let bench = HubBench()
        let clients = ["<1>", "<22>"].map { client(bench, "a", $0) }
        let long = String(repeating: "y", count: 300)
        for text in ["x", long, ""] { try bench.publish("a", text, formats) }
        bench.flush()
        #expect(clients.map { FrameText.whole($0.lane.taken) } == ["<1>", "<22>"].map { [$0 + "x", $0 + long, $0] })
        #expect(clients.allSatisfy { $0.lane.gatheredCalls == 1 })
        try bench.publish("a", "z", formats)
        bench.flush()
        #expect(FrameText.whole(clients[0].lane.taken).last == "<1>z")
        #expect(count.value.load(ordering: .relaxed) == 4)
    }

    @Test("the header counts lead and body together", arguments: [120, 121, 125, 126, 65_530, 65_531])
    func lengths(bytes: Int) throws {
        let bench = HubBench()
        let clients = ["12345", "1234"].map { client(bench, "a", $0) }
        let text = String(repeating: "y", count: bytes)
        try bench.publish("a", text, formats)
        bench.flush()
        for (lead, client) in zip(["12345", "1234"], clients) {
            let whole = WebSocketFrame.encode(.text, payload: ByteBuffer(string: lead + text))
            #expect(client.lane.taken == Array(whole.readableBytesView))
        }
    }

    @Test("what a lane does not take is the client's, from the byte on where it stopped")
    func partial() throws {
        let texts = ["x", String(repeating: "y", count: 200), "z"]
        let whole = texts.flatMap {
            Array(WebSocketFrame.encode(.text, payload: ByteBuffer(string: "<1>" + $0)).readableBytesView)
        }
        for room in 0..<whole.count {
            let bench = HubBench()
            let (member, lane) = client(bench, "a", "<1>", room: room)
            for text in texts { try bench.publish("a", text, formats) }
            bench.flush()
            let rest = member.rests.flatMap { Array($0.readableBytesView) }
            #expect(lane.taken.count == room && lane.taken + rest == whole, "\(room)")
        }
    }

    @Test("a client whose lane breaks ends, and the others still get theirs")
    func broken() throws {
        let bench = HubBench()
        let clients = ["<1>", "<2>", "<3>"].map { client(bench, "a", $0, room: $0 == "<2>" ? -1 : 1_000) }
        let victim = clients[1].member
        victim.onBroken = { [unowned bench, unowned victim] in bench.shard.leave(victim) }
        for text in ["x", "y"] { try bench.publish("a", text, formats) }
        bench.flush()
        #expect(FrameText.whole(clients[0].lane.taken) == ["<1>x", "<1>y"])
        #expect(FrameText.whole(clients[2].lane.taken) == ["<3>x", "<3>y"])
        #expect(bench.shard.subscribers(of: try ChannelName("a")) == 2)
    }

    @Test("a client whose lane is closed gets its frames at the end of the turn, as do clients of several channels")
    func gathered() throws {
        let bench = HubBench()
        let (member, lane) = client(bench, "a", "<a>")
        bench.subscribe(member, "b", request: 2, lead: "<b>")
        bench.subscribe(member, "b", request: 3, format: .rawWebSocket)
        try bench.publish("a", "1", formats)
        try bench.publish("b", "2", formats)
        bench.flush()
        member.endTick()
        #expect(Set(member.frames) == ["<a>1", "<b>2", "2"] && member.frames.count == 3 && member.writes == 1)
        bench.shard.setLane(member, nil)
        try bench.publish("a", "3", formats)
        bench.flush()
        member.endTick()
        #expect(member.frames.last == "<a>3" && lane.taken.isEmpty)
    }

    @Test("subscribers with and without leads share a channel, and come and go")
    func mixed() throws {
        let bench = HubBench()
        let plain = (0..<3).map { _ in bench.client() }
        var personal = (0..<40).map { client(bench, "a", "<\($0)>") }
        for member in plain { bench.subscribe(member, "a") }
        var leads = (0..<40).map { "<\($0)>" }
        for step in 0..<30 {
            let index = (step * 7) % personal.count
            bench.shard.leave(personal.remove(at: index).member)
            leads.remove(at: index)
            try bench.publish("a", "\(step)", formats)
            bench.flush()
            #expect(personal.map { FrameText.whole($0.lane.taken).last } == leads.map { $0 + "\(step)" })
        }
        #expect(plain.allSatisfy { $0.frames == (0..<30).map(String.init) })
        for (member, _) in personal { bench.shard.leave(member) }
        #expect(bench.shard.slots[try ChannelName("a")]?.personal == nil)
        #expect(bench.shard.subscribers(of: try ChannelName("a")) == 3)
    }

    @Test("where the newest is enough, a client that is behind keeps that, with its lead, for each subscription")
    func newest() throws {
        var rules = ChannelRules()
        rules.queue = .newest
        let bench = HubBench(rules: ChannelRulebook(namespaces: ["n": rules]))
        let (member, other) = (bench.client(format: format), client(bench, "n:a", "<o>"))
        bench.subscribe(member, "n:a", request: 1, lead: "<1>")
        bench.subscribe(member, "n:a", request: 2, lead: "<2>")
        member.isBehind = true
        for text in ["x", "y"] { try bench.publish("n:a", text, formats) }
        bench.flush()
        member.endTick()
        other.member.endTick()
        #expect(member.kept == [1: "<1>y", 2: "<2>y"] && member.frames.isEmpty)
        #expect(other.member.frames == ["<o>x", "<o>y"])
        #expect(bench.metrics.counters.value(.skipped) == 2 && bench.metrics.counters.value(.deliveries) == 2)
    }

    @Test("what comes while a subscription catches up with its history has the lead, too")
    func catchingUp() throws {
        let bench = HubBench(answersAtOnce: false)
        let member = bench.client(format: format)
        let channel = try ChannelName("a")
        bench.shard.subscribe(
            member, to: channel, request: 1, wish: .since(StreamPosition(offset: 1, epoch: "e")),
            lead: .fixed(Array("<1>".utf8)))
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: StreamPosition(offset: 2, epoch: "e"))
        }
        func publication(_ offset: UInt64) -> Publication {
            Publication(
                channel: channel, payload: Payload(text: "\(offset)"),
                position: StreamPosition(offset: offset, epoch: "e"))
        }
        // The read is ahead of live traffic, which brings 3 later, and 4 behind it.
        let page = HistoryPage(
            publications: [publication(2), publication(3)], position: StreamPosition(offset: 3, epoch: "e"))
        bench.shard.history(channel, read: 1, .success(page))
        #expect(member.answers == ["+a#1"])
        for offset: UInt64 in [3, 4] {
            bench.shard.publish(PreparedPublication(publication(offset), formats: formats, receivedAt: 0))
        }
        bench.flush()
        member.endTick()
        #expect(member.frames == ["<1>4"])
        bench.shard.publish(PreparedPublication(publication(5), formats: formats, receivedAt: 0))
        bench.flush()
        member.endTick()
        #expect(member.frames == ["<1>4", "<1>5"])
    }
}
