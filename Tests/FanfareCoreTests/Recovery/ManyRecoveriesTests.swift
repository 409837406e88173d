import FanfareProtocols
import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareCore

@Suite("Many recoveries")
struct ManyRecoveriesTests {
    /// A client that keeps how its subscription began.
    private final class Member: HubMember {
        typealias Lane = TestLane
        var membership = HubMembership<Member>()
        let wireFormat = WireFormat.rawWebSocket
        var isBehind: Bool { false }
        var start: SubscriptionStart?
        var lives = 0

        func sent(_ count: Int, of bytes: ByteBuffer) {}
        func deliver(_ bytes: ByteBuffer) { lives += 1 }
        func enqueue(_ bytes: ByteBuffer) { lives += 1 }
        func sent(_ count: Int, of frame: SplitFrame) {}
        func enqueue(_ frame: SplitFrame) { lives += 1 }
        func writeLead(of _: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool { false }
        func keepNewest(_ frame: SplitFrame, of channel: ChannelName, request: UInt32) {}
        func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart) {
            self.start = start
        }
        func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {}
        func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason) {}
    }

    private let channel: ChannelName
    private let mailbox = Mailbox<BrokerEvent>(wake: {})
    private let formats = FormatTable()
    private let broker: MemoryBroker
    private let shard: HubShard<Member>

    init() throws {
        channel = try ChannelName("h:a")
        var rules = ChannelRules()
        rules.history = .init(size: 1_000, age: .seconds(60))
        rules.recovery = .stream
        let book = ChannelRulebook(namespaces: ["h": rules])
        broker = MemoryBroker(rules: book, formats: formats, metrics: BrokerMetrics())
        broker.start(receivers: [mailbox])
        shard = HubShard(
            broker: broker, rules: book, receiver: 0, metrics: LoopMetrics(), mailbox: mailbox, maxRecovery: 1_000)
    }

    private func publish(_ bytes: Int) {
        let publication = Publication(
            channel: channel, payload: Payload(kind: .binary, bytes: ByteBuffer(repeating: 1, count: bytes)))
        broker.publish(publication) { _ in }
    }

    /// What the event loop does with its mailbox.
    private func visit() { handle(mailbox.take()) }

    private func handle(_ events: [BrokerEvent]) {
        for event in events {
            switch event {
            case .subscribed(let channel, let ticket, let position):
                shard.subscribed(channel, ticket: ticket, position: position)
            case .history(let channel, let read, let result): shard.history(channel, read: read, result)
            case .publication(let prepared): shard.publish(prepared)
            default: Issue.record("\(event)")
            }
        }
        shard.flush(now: { 0 })
    }

    @Test(
        "each of those who come back has its share of what the broker was asked for, and nothing of a read that is taken again"
    )
    func shares() {
        for _ in 0..<1_000 { publish(10) }
        var all: [Member] = []
        func come(_ count: Int, during: () -> Void = {}) -> [Int] {
            let members = (0..<count).map { _ in Member() }
            all += members
            for member in members { shard.subscribe(member, to: channel, request: 1, wish: .last(1_000)) }
            during()
            for _ in 0..<1_000 where members.contains(where: { $0.start == nil }) {
                visit()
                shard.answerMore()
            }
            return members.map { $0.start?.asked ?? -1 }
        }
        #expect(come(3) == [1_000, 0, 0])
        #expect(come(2) == [0, 0])
        publish(10)
        visit()
        // Something comes during the read, so it is none for those behind the first: they have the next in common.
        let shares = come(5) {
            publish(10)
            handle(mailbox.take().reversed())
        }
        #expect(shares == [1_000, 250, 250, 250, 250])
        for member in all { shard.leave(member) }
    }

    @Test("300 clients that want 1,000 publications are answered in portions, from one read and the same memory")
    func portions() {
        for _ in 0..<1_000 { publish(3_000) }
        let members = (0..<300).map { _ in Member() }
        for member in members { shard.subscribe(member, to: channel, request: 1, wish: .last(1_000)) }
        var answered = 0
        for _ in 0..<1_000 where answered < 300 {
            visit()
            shard.answerMore()
            let now = members.count { $0.start != nil }
            // 3 MB each: one in a visit, one in a round.
            #expect(now - answered <= 2)
            answered = now
        }
        #expect(members.allSatisfy { $0.start?.publications.count == 1_000 })
        let addresses = Set(
            members.map { member in
                member.start?.shared?.frames(last: 1_000, .rawWebSocket, formats)
                    .withUnsafeReadableBytes { $0.baseAddress }
            })
        #expect(addresses.count == 1)
        for member in members { shard.leave(member) }
        #expect(shard.channelCount == 0)
    }

    /// A new client's frames, and how many of them are its own.
    private func recover(_ wish: RecoveryRequest) throws -> (frames: SharedFrames, count: Int) {
        let member = Member()
        shard.subscribe(member, to: channel, request: 1, wish: wish)
        for _ in 0..<4 { visit() }
        let start = try #require(member.start)
        shard.leave(member)
        return (try #require(start.shared), start.publications.count)
    }

    @Test("clients that come one after the other share a read for half a second, as long as nothing is published")
    func oneAfterTheOther() throws {
        for _ in 0..<20 { publish(3_000) }
        let stays = Member()
        shard.subscribe(stays, to: channel, request: 1)
        visit()
        let first = try recover(.last(10))
        #expect(first.count == 10)
        for _ in 0..<5 {
            shard.ticked()
            let next = try recover(.last(5))
            #expect(next.count == 5 && next.frames === first.frames)
        }
        let more = try recover(.last(20))
        #expect(more.count == 20 && more.frames !== first.frames)
        shard.ticked()
        publish(3_000)
        visit()
        let later = try recover(.last(20))
        #expect(later.count == 20 && later.frames !== more.frames)
        for _ in 0...RecentRead.lifetime { shard.ticked() }
        #expect(try recover(.last(20)).frames !== later.frames)
        shard.leave(stays)
    }

    @Test("live traffic between two portions is in the later answers, once and in order")
    func liveTraffic() throws {
        for _ in 0..<400 { publish(3_000) }
        let members = (0..<20).map { _ in Member() }
        for (index, member) in members.enumerated() {
            shard.subscribe(member, to: channel, request: 1, wish: .last(index % 2 == 0 ? 1_000 : 10))
        }
        var published: UInt64 = 400
        for _ in 0..<100 where members.contains(where: { $0.start == nil }) {
            visit()
            publish(3_000)
            published += 1
            shard.answerMore()
        }
        publish(3_000)
        published += 1
        visit()
        for (index, member) in members.enumerated() {
            let start = try #require(member.start)
            let offsets = start.publications.compactMap(\.position?.offset)
            let last = try #require(start.position?.offset)
            let first = index % 2 == 0 ? 1 : last - 9
            #expect(offsets == Array(first...last))
            #expect(member.lives > 0 && last < published)
        }
        for member in members { shard.leave(member) }
    }

    @Test("clients that go while they wait for their portion leave nothing behind")
    func gone() {
        for _ in 0..<1_000 { publish(3_000) }
        let members = (0..<20).map { _ in Member() }
        for member in members { shard.subscribe(member, to: channel, request: 1, wish: .last(1_000)) }
        visit()
        visit()
        for member in members { shard.leave(member) }
        #expect(shard.channelCount == 0)
        while shard.hasAnswers { shard.answerMore() }
        #expect(members.count { $0.start != nil } == 1)
    }

    @Test("a subscription knows what was read for it, also when a filter or a lost place leaves nothing of it")
    func readCost() throws {
        for _ in 0..<1_100 { publish(1) }
        let found = Mutex("")
        broker.history(channel, .position) { result in
            if case .success(let page) = result { found.withLock { $0 = page.position.epoch } }
        }
        let epoch = found.withLock(\.self)
        var members: [Member] = []
        func start(_ wish: RecoveryRequest, _ filter: TagFilter? = nil) -> SubscriptionStart? {
            let member = Member()
            members.append(member)
            shard.subscribe(
                member, to: channel, request: 1, wish: wish,
                selection: filter.map { Selection.filtered($0) })
            for _ in 0..<5 {
                visit()
                shard.answerMore()
            }
            return member.start
        }
        let whole = start(.since(StreamPosition(offset: 100, epoch: epoch)))
        #expect(whole?.publications.count == 1_000 && whole?.read.items == 1_000 && whole?.read.reads == 10)
        let newest = start(.last(150))
        #expect(newest?.publications.count == 150 && newest?.read.items == 150)
        let none = try TagFilter(.init(op: "", key: "n", cmp: "eq", val: "1"))
        let filtered = start(.since(StreamPosition(offset: 100, epoch: epoch)), none)
        #expect(filtered?.publications.isEmpty == true && filtered?.read.items == 1_000)
        let lost = start(.since(StreamPosition(offset: 1, epoch: epoch)))
        #expect(lost?.isComplete == false && lost?.read.items == 1_000)
        #expect(start(.none)?.read == ReadCost())
    }
}
