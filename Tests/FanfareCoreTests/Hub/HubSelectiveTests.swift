import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Hub shard: subscriptions with deltas or a filter")
struct HubSelectiveTests {
    private let formats = FormatTable()
    private let id = ClientID.make(node: .random(), loop: 0)

    /// Publications that deltas are worth something for.
    private static func text(_ number: Int) -> String {
        #"{"symbol":"FANF","venue":"XETRA","currency":"EUR","number":\#(number)}"#
    }

    private static func filter(_ value: ExactText) throws -> TagFilter {
        try TagFilter(.init(op: "", key: "kind", cmp: "eq", val: value))
    }

    private func publish(
        _ bench: HubBench, _ number: Int, kind: ExactText? = nil, excluding client: ClientID? = nil,
        at position: StreamPosition? = nil
    ) throws {
        let tags = try PublicationTags(kind.map { [.init(name: "kind", value: $0)] } ?? [])
        let publication = Publication(
            channel: try ChannelName("a"), payload: Payload(text: Self.text(number)), position: position,
            metadata: PublicationMetadata(tags: tags, excludedClient: client))
        bench.shard.publish(PreparedPublication(publication, formats: formats, receivedAt: 0))
    }

    private func texts(_ numbers: [Int]) -> [String] { numbers.map(Self.text) }

    /// What a client with deltas has read.
    private struct Heard: Equatable {
        let texts: [String]
        /// How many of it were deltas.
        let deltas: Int
    }

    private func heard(_ numbers: [Int], deltas: Int) -> Heard { Heard(texts: texts(numbers), deltas: deltas) }

    private func read(_ member: TestMember) throws -> Heard {
        var reader = DeltaReader()
        let texts = try member.frames.map { try reader.read($0) }
        return Heard(texts: texts, deltas: reader.deltas)
    }

    @Test("the first turn of a subscription with deltas is whole, then come deltas, beside others that get all")
    func deltas() throws {
        let bench = HubBench()
        let (early, late) = (
            bench.client(format: .centrifugeJSONWebSocket), bench.client(format: .centrifugeJSONWebSocket)
        )
        let (plain, raw) = (bench.client(format: .centrifugeJSONWebSocket), bench.client())
        bench.subscribe(early, "a", selection: .deltas)
        for member in [plain, raw] { bench.subscribe(member, "a") }
        for number in 1...2 { try publish(bench, number) }
        bench.flush()
        try publish(bench, 3)
        bench.flush()
        bench.subscribe(late, "a", selection: .deltas)
        for number in 4...6 { try publish(bench, number) }
        bench.flush()
        try publish(bench, 7)
        bench.flush()
        #expect(try read(early) == heard(Array(1...7), deltas: 5))
        #expect(try read(late) == heard(Array(4...7), deltas: 1))
        #expect(bench.metrics.counters.value(.deltaInputBytes) == 6 * Self.text(1).utf8.count)
        let frames = (early.frames + late.frames).filter { $0.contains(#""delta":true"#) }
        // With the header of a WebSocket frame each.
        let bytes = frames.reduce(0) { $0 + $1.utf8.count + ($1.utf8.count < 126 ? 2 : 4) }
        #expect(bench.metrics.counters.value(.deltaOutputBytes) == bytes)
        #expect(bench.metrics.counters.value(.deltaSubscriptions) == 2)
        bench.shard.leave(early)
        #expect(bench.metrics.counters.value(.deltaSubscriptions) == 1)
        #expect(raw.frames == texts(Array(1...7)) && plain.frames.count == 7)
        #expect(plain.frames.allSatisfy { !$0.contains("delta") && $0.contains(#""data":{"symbol""#) })
        // One write a turn, and every delivery counts.
        #expect(early.writes == 4 && late.writes == 2)
        #expect(bench.metrics.counters.value(.deliveries) == 7 * 3 + 4)
    }

    @Test("through open lanes, and one that takes half")
    func lanes() throws {
        let bench = HubBench()
        let members = (0..<3).map { _ in bench.client(format: .centrifugeJSONWebSocket) }
        let lanes = [TestLane(room: 10_000), TestLane(room: 10_000), TestLane(room: 20)]
        for (member, lane) in zip(members, lanes) {
            bench.subscribe(member, "a", selection: .deltas)
            bench.shard.setLane(member, lane)
        }
        try publish(bench, 1)
        bench.flush()
        try publish(bench, 2)
        bench.flush()
        var reader = DeltaReader()
        let heard = try FrameText.whole(lanes[0].taken).map { try reader.read($0) }
        #expect(heard == texts([1, 2]) && reader.deltas == 1 && lanes[1].taken == lanes[0].taken)
        let whole = lanes[2].taken + members[2].rests.flatMap { Array($0.readableBytesView) }
        #expect(whole == lanes[0].taken)
    }

    @Test("where the newest is enough, one that is behind keeps it whole, and goes on with deltas")
    func newest() throws {
        var rules = ChannelRules()
        rules.queue = .newest
        let bench = HubBench(rules: ChannelRulebook(plain: rules))
        let member = bench.client(format: .centrifugeJSONWebSocket)
        bench.subscribe(member, "a", request: 7, selection: .deltas)
        try publish(bench, 1)
        bench.flush()
        member.isBehind = true
        for number in 2...3 { try publish(bench, number) }
        bench.flush()
        var reader = DeltaReader()
        _ = try reader.read(try #require(member.frames.first))
        let kept = try reader.read(try #require(member.kept[7]))
        #expect(kept == Self.text(3) && reader.deltas == 0)
        member.isBehind = false
        try publish(bench, 4)
        bench.flush()
        let next = try reader.read(try #require(member.frames.last))
        #expect(next == Self.text(4) && reader.deltas == 1)
        #expect(bench.metrics.counters.value(.skipped) == 1)
    }

    @Test("one that does not hear what it sent gets the rest whole, and deltas again after that")
    func excluded() throws {
        let bench = HubBench()
        let (sender, other) = (
            bench.client(format: .centrifugeJSONWebSocket), bench.client(format: .centrifugeJSONWebSocket)
        )
        bench.shard.findClient = { [id, unowned sender] in $0 == id ? sender : nil }
        for member in [other, sender] { bench.subscribe(member, "a", selection: .deltas) }
        try publish(bench, 1)
        bench.flush()
        for number in 2...5 { try publish(bench, number, excluding: number == 3 ? id : nil) }
        bench.flush()
        for number in 6...7 {
            try publish(bench, number)
            bench.flush()
        }
        #expect(try read(other) == heard(Array(1...7), deltas: 6))
        // 2 was a delta before it was known that it would miss one.
        #expect(try read(sender) == heard([1, 2, 4, 5, 6, 7], deltas: 2))
    }

    @Test("each filter lets its publications through, equal ones together, and nothing else is counted or written")
    func filters() throws {
        let bench = HubBench()
        let members = (0..<4).map { _ in bench.client() }
        for (member, kind) in zip(members, ["x", "x", "y", "z"] as [ExactText]) {
            bench.subscribe(member, "a", selection: .filtered(try Self.filter(kind)))
        }
        for (number, kind) in [(1, "x"), (2, "y"), (3, "x"), (4, nil)] as [(Int, ExactText?)] {
            try publish(bench, number, kind: kind)
        }
        bench.flush()
        #expect(members[0].frames == texts([1, 3]) && members[1].frames == texts([1, 3]))
        #expect(members[2].frames == texts([2]) && members[3].frames.isEmpty && members[3].writes == 0)
        #expect(bench.metrics.counters.value(.deliveries) == 5 && members[0].writes == 1)
        bench.shard.leave(members[0])
        try publish(bench, 5, kind: "x")
        bench.flush()
        #expect(members[1].frames == texts([1, 3, 5]))
        #expect(bench.shard.subscribers(of: try ChannelName("a")) == 3)
        // Of four for four, and of one for three.
        #expect(bench.metrics.counters.value(.filtered) == 2 + 3 + 2 + 4 + 2)
        #expect(bench.metrics.counters.value(.filterSubscriptions) == 3)
        #expect(bench.metrics.counters.value(.deltaSubscriptions) == 0)
    }

    @Test(
        "a recovery holds what a filter lets through, made once for all who have the same one, and so does live traffic meanwhile"
    )
    func recovery() throws {
        let bench = HubBench(answersAtOnce: false)
        let members = (0..<3).map { _ in bench.client() }
        let channel = try ChannelName("a")
        func publication(_ offset: UInt64, _ kind: ExactText) throws -> Publication {
            Publication(
                channel: channel, payload: Payload(text: Self.text(Int(offset))),
                position: StreamPosition(offset: offset, epoch: "e"),
                metadata: PublicationMetadata(tags: try PublicationTags([.init(name: "kind", value: kind)])))
        }
        for (member, kind) in zip(members, ["x", "x", "y"] as [ExactText]) {
            bench.shard.subscribe(
                member, to: channel, request: 1, wish: .since(StreamPosition(offset: 1, epoch: "e")),
                selection: .filtered(try Self.filter(kind)))
        }
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: StreamPosition(offset: 3, epoch: "e"))
        }
        // The read is ahead of live traffic: they have to wait for it.
        let page = HistoryPage(
            publications: try [publication(2, "x"), publication(3, "y"), publication(4, "x")],
            position: StreamPosition(offset: 4, epoch: "e"))
        for _ in 0..<2 { bench.shard.history(channel, read: bench.shard.lastRead, .success(page)) }
        #expect(members.map { $0.starts.flatMap(\.publications).map(\.position?.offset) } == [[2, 4], [2, 4], [3]])
        #expect(members.allSatisfy { $0.starts.first?.position?.offset == 4 && $0.starts.first?.isComplete == true })
        let shared = members.map { $0.starts.first?.shared }
        #expect(shared[0] != nil && shared[0] !== shared[2])
        #expect(shared[1]?.count == 2 && shared[2]?.count == 1)
        for (offset, kind) in [(4, "x"), (5, "y"), (6, "x")] as [(UInt64, ExactText)] {
            bench.shard.publish(
                PreparedPublication(try publication(offset, kind), formats: formats, receivedAt: 0))
        }
        bench.flush()
        for member in members { member.endTick() }
        #expect(members.map(\.frames) == [texts([6]), texts([6]), texts([5])])
    }

    @Test("a member that leaves in the midst of a turn, and in the hub's walk, takes nothing from others")
    func leaving() throws {
        let bench = HubBench()
        let members = (0..<4).map { _ in bench.client(format: .centrifugeJSONWebSocket) }
        for member in members { bench.subscribe(member, "a", selection: .deltas) }
        try publish(bench, 1)
        bench.shard.leave(members[0])
        members[1].onDeliver = { [unowned bench] in bench.shard.leave(members[1]) }
        bench.flush()
        try publish(bench, 2)
        bench.flush()
        #expect(members[0].frames.isEmpty && members[1].frames.count == 1)
        for member in members[2...] { #expect(try read(member) == heard([1, 2], deltas: 1)) }
        for member in members[2...] { bench.shard.leave(member) }
        #expect(bench.shard.channelCount == 0)
    }
}
