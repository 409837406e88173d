import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

/// Each delivery has a lead that its client writes: here the request and a number that counts the client's deliveries.
@Suite("Hub shard: leads that differ from delivery to delivery")
struct HubWrittenLeadTests {
    private let formats = FormatTable()
    private let format: WireFormat

    init() throws {
        format = try #require(formats.intern("written", as: .personal(PlainCodec(), in: WebSocketFraming())))
    }

    /// A client in a channel with an open lane.
    private func client(_ bench: HubBench, _ channel: String, _ request: UInt32 = 1, room: Int = .max / 2) -> (
        member: TestMember, lane: TestLane
    ) {
        let (member, lane) = (bench.client(format: format), TestLane(room: room))
        bench.subscribe(member, channel, request: request, as: .written)
        bench.shard.setLane(member, lane)
        return (member, lane)
    }

    @Test("each delivery is numbered by its client, whatever others have had, with one call to the kernel for a turn")
    func numbers() throws {
        let bench = HubBench()
        let early = client(bench, "a", 7)
        for text in ["x", "y"] { try bench.publish("a", text, formats) }
        bench.flush()
        let late = client(bench, "a", 12)
        for text in ["z", String(repeating: "l", count: 300)] { try bench.publish("a", text, formats) }
        bench.flush()
        let long = String(repeating: "l", count: 300)
        #expect(FrameText.whole(early.lane.taken) == ["<7:1>x", "<7:2>y", "<7:3>z", "<7:4>" + long])
        #expect(FrameText.whole(late.lane.taken) == ["<12:1>z", "<12:2>" + long])
        #expect(early.lane.gatheredCalls == 2 && late.lane.gatheredCalls == 1)
        #expect(bench.metrics.counters.value(.deliveries) == 6 && bench.metrics.counters.value(.deliveryWrites) == 3)
        let bytes = early.lane.taken.count + late.lane.taken.count
        #expect(bench.metrics.counters.value(.bytesSent) == bytes)
    }

    @Test("numbers of more digits make longer frames, and each header counts its own lead")
    func lengths() throws {
        let bench = HubBench()
        let (_, lane) = client(bench, "a")
        let text = String(repeating: "y", count: 120)
        var expected: [UInt8] = []
        for number in 1...110 {
            try bench.publish("a", text, formats)
            bench.flush()
            let frame = WebSocketFrame.encode(.text, payload: ByteBuffer(string: "<1:\(number)>" + text))
            expected += frame.readableBytesView
        }
        #expect(lane.taken == expected)
    }

    @Test("what a lane does not take is the client's, from the byte on where it stopped, with the numbers that it had")
    func partial() throws {
        let texts = ["x", String(repeating: "y", count: 200), "z"]
        let whole = texts.enumerated().flatMap { index, text in
            Array(
                WebSocketFrame.encode(.text, payload: ByteBuffer(string: "<1:\(index + 1)>" + text)).readableBytesView)
        }
        for room in 0..<whole.count {
            let bench = HubBench()
            let (member, lane) = client(bench, "a", room: room)
            for text in texts { try bench.publish("a", text, formats) }
            bench.flush()
            let rest = member.rests.flatMap { Array($0.readableBytesView) }
            #expect(lane.taken.count == room && lane.taken + rest == whole, "\(room)")
        }
    }

    @Test("a client whose lane breaks ends, and the others still get theirs")
    func broken() throws {
        let bench = HubBench()
        let clients = [1_000, -1, 1_000].map { client(bench, "a", room: $0) }
        let victim = clients[1].member
        victim.onBroken = { [unowned bench, unowned victim] in bench.shard.leave(victim) }
        for text in ["x", "y"] { try bench.publish("a", text, formats) }
        bench.flush()
        #expect([0, 2].allSatisfy { FrameText.whole(clients[$0].lane.taken) == ["<1:1>x", "<1:2>y"] })
        #expect(bench.shard.subscribers(of: try ChannelName("a")) == 2)
    }

    @Test(
        "a delivery that a client does not take passes it by and is not counted, and the others get it",
        arguments: [true, false])
    func refused(isOpen: Bool) throws {
        let bench = HubBench()
        let (full, other) = (client(bench, "a"), client(bench, "a"))
        full.member.refused = ["y", "z"]
        if !isOpen { bench.shard.setLane(full.member, nil) }
        for text in ["x", "y"] { try bench.publish("a", text, formats) }
        bench.flush()
        try bench.publish("a", "z", formats)
        bench.flush()
        full.member.refused = []
        try bench.publish("a", "w", formats)
        bench.flush()
        full.member.endTick()
        let heard = isOpen ? FrameText.whole(full.lane.taken) : full.member.frames
        #expect(heard == ["<1:1>x", "<1:2>w"])
        #expect(FrameText.whole(other.lane.taken) == ["<1:1>x", "<1:2>y", "<1:3>z", "<1:4>w"])
        #expect(bench.metrics.counters.value(.deliveries) == 6)
        // Nothing is written where nothing was taken.
        #expect(full.lane.gatheredCalls == (isOpen ? 2 : 0))
    }

    @Test(
        "with several channels in a turn, and several subscriptions to one, numbers are in the order of what is heard")
    func gathered() throws {
        let bench = HubBench()
        let (member, lane) = client(bench, "a", 1)
        bench.subscribe(member, "b", request: 2, as: .written)
        bench.subscribe(member, "b", request: 3, as: .fixed(Array("<f>".utf8)))
        for (channel, text) in [("a", "1"), ("b", "2"), ("a", "3")] { try bench.publish(channel, text, formats) }
        bench.flush()
        member.endTick()
        #expect(member.frames.filter { $0 != "<f>2" } == ["<1:1>1", "<1:2>3", "<2:3>2"])
        #expect(member.frames.count == 4 && member.writes == 1 && lane.taken.isEmpty)
    }

    @Test("subscribers of all sorts share a channel, and come and go")
    func mixed() throws {
        let bench = HubBench()
        let plain = bench.client()
        bench.subscribe(plain, "a")
        let fixed = bench.client(format: format)
        bench.subscribe(fixed, "a", request: 1, lead: "<f>")
        var written = (0..<20).map { client(bench, "a", UInt32($0)) }
        var heard = Array(repeating: 0, count: 20)
        for step in 0..<15 {
            let index = (step * 7) % written.count
            bench.shard.leave(written.remove(at: index).member)
            heard.remove(at: index)
            try bench.publish("a", "\(step)", formats)
            bench.flush()
            for index in heard.indices { heard[index] += 1 }
            let last = zip(written, heard).map { client, number in
                FrameText.whole(client.lane.taken).last?.hasSuffix(":\(number)>\(step)")
            }
            #expect(last.allSatisfy { $0 == true })
        }
        fixed.endTick()
        #expect(plain.frames == (0..<15).map(String.init) && fixed.frames == (0..<15).map { "<f>\($0)" })
        for (member, _) in written { bench.shard.leave(member) }
        bench.shard.leave(fixed)
        #expect(bench.shard.slots[try ChannelName("a")]?.personal == nil)
    }

    @Test("who sent a publication does not hear it, and has no number for it")
    func excluded() throws {
        let bench = HubBench()
        let id = ClientID.make(node: .random(), loop: 0)
        let (sender, other) = (client(bench, "a"), client(bench, "a"))
        bench.shard.findClient = { [unowned sender = sender.member] in $0 == id ? sender : nil }
        try bench.publish("a", "x", formats)
        try bench.publish("a", "mine", formats, excluding: id)
        try bench.publish("a", "y", formats)
        bench.flush()
        sender.member.endTick()
        #expect(sender.member.frames == ["<1:1>x", "<1:2>y"])
        #expect(FrameText.whole(other.lane.taken) == ["<1:1>x", "<1:2>mine", "<1:3>y"])
    }

    @Test("where the newest is enough, a client that is behind is asked for a lead of that one only")
    func newest() throws {
        var rules = ChannelRules()
        rules.queue = .newest
        let bench = HubBench(rules: ChannelRulebook(namespaces: ["n": rules]))
        let member = bench.client(format: format)
        bench.subscribe(member, "n:a", request: 1, as: .written)
        member.isBehind = true
        for text in ["x", "y", "z"] { try bench.publish("n:a", text, formats) }
        bench.flush()
        #expect(member.kept == [1: "<1:1>z"] && member.frames.isEmpty)
        #expect(bench.metrics.counters.value(.skipped) == 2 && bench.metrics.counters.value(.deliveries) == 0)
    }

    @Test("what comes while a subscription catches up with its history is numbered, too")
    func catchingUp() throws {
        let bench = HubBench(answersAtOnce: false)
        let member = bench.client(format: format)
        let channel = try ChannelName("a")
        bench.shard.subscribe(
            member, to: channel, request: 1, wish: .since(StreamPosition(offset: 1, epoch: "e")), lead: .written)
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: StreamPosition(offset: 1, epoch: "e"))
        }
        func publication(_ offset: UInt64) -> Publication {
            Publication(
                channel: channel, payload: Payload(text: "\(offset)"),
                position: StreamPosition(offset: offset, epoch: "e"))
        }
        // It joins where live traffic is, at once: what comes then is its first.
        #expect(member.answers == ["+a#1"])
        for offset: UInt64 in [2, 3] {
            bench.shard.publish(PreparedPublication(publication(offset), formats: formats, receivedAt: 0))
        }
        bench.flush()
        member.endTick()
        #expect(member.frames == ["<1:1>2", "<1:2>3"])
        // One that comes within a turn waits for its end, and hears what follows.
        let late = bench.client(format: format)
        bench.shard.publish(PreparedPublication(publication(4), formats: formats, receivedAt: 0))
        bench.shard.subscribe(
            late, to: channel, request: 9, wish: .since(StreamPosition(offset: 4, epoch: "e")), lead: .written)
        bench.shard.publish(PreparedPublication(publication(5), formats: formats, receivedAt: 0))
        bench.flush()
        bench.shard.publish(PreparedPublication(publication(6), formats: formats, receivedAt: 0))
        bench.flush()
        late.endTick()
        #expect(late.frames == ["<9:1>5", "<9:2>6"])
    }
}
