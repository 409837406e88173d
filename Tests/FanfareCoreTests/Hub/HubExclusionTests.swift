import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Hub shard: publications that leave out a client")
struct HubExclusionTests {
    private let formats = FormatTable()
    private let id = ClientID.make(node: .random(), loop: 0)

    /// A shard that knows one client by its id.
    private func bench(rules: ChannelRulebook = ChannelRulebook()) -> (HubBench, TestMember) {
        let bench = HubBench(rules: rules)
        let sender = bench.client()
        bench.shard.findClient = { [id, unowned sender] in $0 == id ? sender : nil }
        return (bench, sender)
    }

    @Test("the client hears all of a turn but what it sent, in order, and the others hear everything")
    func sender() throws {
        let (bench, sender) = bench()
        let others = (0..<3).map { _ in bench.client() }
        for member in [others[0], sender, others[1], others[2]] { bench.subscribe(member, "a") }
        for (text, isOwn) in [("1", false), ("2", true), ("3", false), ("4", true), ("5", false)] {
            try bench.publish("a", text, formats, excluding: isOwn ? id : nil)
        }
        bench.flush()
        #expect(sender.frames == ["1", "3", "5"] && sender.writes == 1)
        for member in others { #expect(member.frames == ["1", "2", "3", "4", "5"] && member.writes == 1) }
        #expect(bench.metrics.counters.value(.deliveries) == 3 + 3 * 5)
        // What is alone in its turn reaches it not at all, and nothing of this lasts.
        try bench.publish("a", "6", formats, excluding: id)
        bench.flush()
        try bench.publish("a", "7", formats)
        bench.flush()
        #expect(sender.frames == ["1", "3", "5", "7"])
        for member in others { #expect(member.frames.suffix(2) == ["6", "7"]) }
    }

    @Test("it is left out of all its subscriptions, whatever their formats and leads, and of no other channel")
    func everywhere() throws {
        let (bench, sender) = bench()
        let personal = try #require(formats.intern("p", as: .personal(PlainCodec(), in: WebSocketFraming())))
        let other = bench.client(format: personal)
        bench.subscribe(other, "a", request: 1, lead: "<o>")
        bench.subscribe(sender, "a", request: 1)
        bench.subscribe(sender, "a", request: 2, format: .centrifugeJSONWebSocket)
        bench.subscribe(sender, "a", request: 3, format: personal, lead: "<3>")
        bench.subscribe(sender, "b", request: 1)
        try bench.publish("a", "1", formats, excluding: id)
        try bench.publish("b", "2", formats)
        try bench.publish("a", "3", formats)
        bench.flush()
        for member in [sender, other] { member.endTick() }
        #expect(
            Set(sender.frames) == ["3", #"{"push":{"channel":"a","pub":{"data":3}}}"#, "<3>3", "2"]
                && sender.frames.count == 4)
        #expect(other.frames == ["<o>1", "<o>3"])
    }

    @Test("with open lanes the others are written to directly, and the rest of a turn reaches the client as well")
    func lanes() throws {
        let (bench, sender) = bench()
        let members = [bench.client(), sender, bench.client()]
        let lanes = members.map { _ in TestLane(room: 1_000) }
        for (member, lane) in zip(members, lanes) {
            bench.subscribe(member, "a")
            bench.shard.setLane(member, lane)
        }
        try bench.publish("a", "1", formats, excluding: id)
        try bench.publish("a", "2", formats)
        bench.flush()
        #expect(lanes.map { FrameText.whole($0.taken) } == [["1", "2"], ["2"], ["1", "2"]])
        #expect(members.allSatisfy { $0.writes == 0 })
    }

    @Test("an id of a client that is elsewhere, or gone, changes nothing here")
    func elsewhere() throws {
        let (bench, sender) = bench()
        bench.subscribe(sender, "a")
        try bench.publish("a", "1", formats, excluding: ClientID.make(node: id.node, loop: 0))
        bench.flush()
        bench.shard.leave(sender)
        try bench.publish("a", "2", formats, excluding: id)
        bench.flush()
        #expect(sender.frames == ["1"])
    }

    @Test("where the newest is enough and it is behind, it keeps the newest that it did not send")
    func newest() throws {
        var rules = ChannelRules()
        rules.queue = .newest
        let (bench, sender) = bench(rules: ChannelRulebook(namespaces: ["n": rules]))
        bench.subscribe(sender, "n:a", request: 7)
        sender.isBehind = true
        for (text, isOwn) in [("1", false), ("2", false), ("3", true)] {
            try bench.publish("n:a", text, formats, excluding: isOwn ? id : nil)
        }
        bench.flush()
        #expect(sender.kept == [7: "2"] && sender.frames.isEmpty)
        #expect(bench.metrics.counters.value(.skipped) == 1)
    }

    @Test("a recovery leaves it out, for that client alone, and a repaired gap does")
    func recovery() throws {
        let (bench, sender) = bench()
        let other = bench.client()
        let channel = try ChannelName("a")
        let wish = RecoveryRequest.since(StreamPosition(offset: 1, epoch: "e"))
        func publication(_ offset: UInt64, isOwn: Bool) -> Publication {
            Publication(
                channel: channel, payload: Payload(text: "\(offset)"),
                position: StreamPosition(offset: offset, epoch: "e")
            ).excluding(isOwn ? id : nil)
        }
        for member in [sender, other] { bench.shard.subscribe(member, to: channel, request: 1, wish: wish) }
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: StreamPosition(offset: 3, epoch: "e"))
        }
        let page = HistoryPage(
            publications: [publication(2, isOwn: true), publication(3, isOwn: false)],
            position: StreamPosition(offset: 3, epoch: "e"))
        // One read after the other, for they asked one after the other.
        for _ in 0..<2 { bench.shard.history(channel, read: bench.shard.lastRead, .success(page)) }
        #expect(sender.starts.map { $0.publications.map(\.position?.offset) } == [[3]])
        #expect(sender.starts.first?.shared == nil && sender.starts.first?.position?.offset == 3)
        #expect(sender.starts.first?.isComplete == true)
        #expect(other.starts.map { $0.publications.map(\.position?.offset) } == [[2, 3]])
        #expect(other.starts.first?.shared != nil)
        for (offset, isOwn) in [(UInt64(4), true), (5, false)] {
            bench.shard.publish(
                PreparedPublication(
                    publication(offset, isOwn: isOwn), formats: formats, receivedAt: 0, isRepaired: true))
        }
        bench.flush()
        #expect(sender.frames == ["5"] && other.frames == ["4", "5"])
    }
}
