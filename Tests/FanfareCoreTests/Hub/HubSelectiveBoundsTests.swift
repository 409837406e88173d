import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

/// What subscriptions with deltas or a filter may cost an event loop, in memory and in work.
@Suite("Hub shard: bounds of deltas and filters")
struct HubSelectiveBoundsTests {
    private let formats = FormatTable()

    /// Lets everything through but publications of that kind.
    private func filter(not kind: Int) throws -> TagFilter {
        try TagFilter(.init(op: "", key: "kind", cmp: "neq", val: ExactText("\(kind)")))
    }

    private func publish(_ bench: HubBench, _ text: String, kind: ExactText? = nil, offset: UInt64? = nil) throws {
        let tags = try PublicationTags(kind.map { [.init(name: "kind", value: $0)] } ?? [])
        let publication = Publication(
            channel: try ChannelName("a"), payload: Payload(text: text),
            position: offset.map { StreamPosition(offset: $0, epoch: "e") }, metadata: PublicationMetadata(tags: tags))
        bench.shard.publish(PreparedPublication(publication, formats: formats, receivedAt: 0))
    }

    private func selective(_ bench: HubBench) throws -> SelectiveSubscribers<TestMember>? {
        bench.shard.slots[try ChannelName("a")]?.selective
    }

    @Test("a delta counts as all bytes of both publications, however small it is")
    func deltaWork() throws {
        let bench = HubBench()
        bench.subscribe(bench.client(format: .centrifugeJSONWebSocket), "a", selection: .deltas)
        let words = String(repeating: #""word","#, count: 5_000)
        let texts = (0..<2).map { "[\(words)\($0)]" }
        try publish(bench, texts[0])
        bench.flush()
        #expect(bench.shard.takeWork() == 0)
        try publish(bench, texts[1])
        #expect(bench.shard.batchedBytes < 200)
        #expect(bench.shard.takeWork() == texts[0].utf8.count + texts[1].utf8.count)
        #expect(bench.shard.takeWork() == 0)
    }

    @Test("a filter counts by its comparisons, also where nothing passes")
    func filterWork() throws {
        let bench = HubBench()
        let leaf = try TagFilter.Node(op: "", key: "kind", cmp: "in", vals: ["x", "y"])
        let filter = try TagFilter(.init(op: "and", nodes: [leaf, leaf]))
        #expect(filter.size == 7)
        for _ in 0..<3 { bench.subscribe(bench.client(), "a", selection: .filtered(filter)) }
        try publish(bench, "text", kind: "z")
        // Once for all who have the same one.
        #expect(bench.shard.batchedBytes == 0 && bench.shard.takeWork() == 7 * (64 + 5))
    }

    @Test("copies for different filters are counted together, and a turn ends before they are too much")
    func copies() throws {
        let bench = HubBench()
        let members = try (0..<100).map { number in
            let member = bench.client()
            bench.subscribe(member, "a", selection: .filtered(try filter(not: number)))
            return member
        }
        let small = (0..<3).map { "\($0)" + String(repeating: "s", count: 1_000) }
        for text in small[..<2] { try publish(bench, text) }
        // The first was shared; with the second each has both.
        #expect(bench.shard.batchedBytes > 100 * 2_000 && bench.shard.batchedBytes < 100 * 2_100)
        try publish(bench, small[2])
        #expect(bench.shard.batchedBytes > 100 * 3_000 && members[0].frames.isEmpty)
        let big = (0..<4).map { "\($0)" + String(repeating: "b", count: 8_000) }
        for text in big {
            try publish(bench, text)
            #expect(bench.shard.batchedBytes < HubShard<TestMember>.copiedBytes)
        }
        bench.flush()
        #expect(members.allSatisfy { $0.frames == small + big })
    }

    @Test("a channel has so many different filters: another one is refused, and taken when there is room again")
    func limit() throws {
        let bench = HubBench(maxFilters: 2)
        let members = (0..<5).map { _ in bench.client() }
        for (member, kind) in zip(members, [1, 2, 3, 1]) {
            bench.subscribe(member, "a", selection: .filtered(try filter(not: kind)))
        }
        bench.subscribe(members[4], "a")
        #expect(members.map(\.answers) == [["+a#0"], ["+a#0"], ["!a#0"], ["+a#0"], ["+a#0"]])
        #expect(bench.metrics.counters.value(.filterRefusals) == 1)
        #expect(bench.shard.subscribers(of: try ChannelName("a")) == 4)
        bench.shard.leave(members[1])
        bench.subscribe(members[2], "a", selection: .filtered(try filter(not: 3)))
        #expect(members[2].answers == ["!a#0", "+a#0"])
        for member in members { bench.shard.leave(member) }
        #expect(bench.shard.channelCount == 0)
    }

    @Test("who finds no room any more when it has caught up begins anew")
    func limitAfterRecovery() throws {
        let bench = HubBench(answersAtOnce: false, maxFilters: 2)
        let (members, channel) = ((0..<3).map { _ in bench.client() }, try ChannelName("a"))
        for (number, member) in members.enumerated() {
            bench.shard.subscribe(
                member, to: channel, request: 1, wish: .since(StreamPosition(offset: 1, epoch: "e")),
                selection: .filtered(try filter(not: number)))
        }
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: StreamPosition(offset: 2, epoch: "e"))
        }
        // The read is ahead of live traffic: they wait for it, all of them at once.
        let publications = (2...3 as ClosedRange<UInt64>).map { offset in
            Publication(
                channel: channel, payload: Payload(text: "\(offset)"),
                position: StreamPosition(offset: offset, epoch: "e"))
        }
        let page = HistoryPage(publications: publications, position: StreamPosition(offset: 3, epoch: "e"))
        for _ in 0..<2 { bench.shard.history(channel, read: bench.shard.lastRead, .success(page)) }
        for offset in 3...4 as ClosedRange<UInt64> {
            try publish(bench, "\(offset)", offset: offset)
            bench.flush()
        }
        for member in members { member.endTick() }
        #expect(members.map(\.answers) == [["+a#1"], ["+a#1"], ["+a#1", "-a#1"]])
        #expect(members.map(\.frames) == [["4"], ["4"], []])
        #expect(bench.shard.subscribers(of: channel) == 2 && bench.metrics.counters.value(.filterRefusals) == 1)
    }

    @Test("nothing of a filter is left when its last subscription has ended")
    func release() throws {
        let bench = HubBench()
        let members = (0..<4).map { _ in bench.client() }
        for (member, kind) in zip(members, [1, 2, 3, 3]) {
            bench.subscribe(member, "a", selection: .filtered(try filter(not: kind)))
        }
        bench.shard.leave(members[0])
        #expect(try selective(bench)?.groups.map(\.sort.share.hasDeltas) == [true, false, false])
        #expect(try selective(bench)?.filters == 2)
        bench.shard.leave(members[2])
        #expect(try selective(bench)?.groups.count == 3)
        bench.shard.leave(members[3])
        #expect(try selective(bench)?.groups.count == 2)
        for (member, kind) in zip([members[0], members[2]], [4, 5]) {
            bench.subscribe(member, "a", selection: .filtered(try filter(not: kind)))
        }
        #expect(try selective(bench)?.groups.count == 3)
        try publish(bench, "text")
        bench.flush()
        #expect([0, 1, 2].allSatisfy { members[$0].frames == ["text"] } && members[3].frames.isEmpty)
        bench.shard.leave(members[2])
        bench.shard.leave(members[0])
        #expect(try selective(bench)?.groups.count == 2)
    }
}
