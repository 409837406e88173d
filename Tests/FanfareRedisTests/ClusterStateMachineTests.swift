import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

@Suite("Cluster subscriptions")
struct ClusterStateMachineTests {
    private static let nodes = (0..<3).map { RedisEndpoint(host: "n\($0)", port: 7_000 + $0) }
    private let a = try! ChannelName("a")

    /// A map in which everything from `split` on belongs to the second node, and nothing in `gap` to anybody.
    private static func map(split: Int, nodes: [RedisEndpoint] = nodes, gap: Range<Int> = 0..<0) -> ClusterMap {
        func ranges(_ range: Range<Int>, _ node: RedisEndpoint) -> [RedisValue] {
            let parts = [range.clamped(to: 0..<gap.lowerBound), range.clamped(to: gap.upperBound..<HashSlot.count)]
            return parts.filter { !$0.isEmpty }.map { part in
                let address = RedisValue.array([.text(node.host), .integer(node.port)])
                return .array([.integer(part.lowerBound), .integer(part.upperBound - 1), address])
            }
        }
        let slots = ranges(0..<split, nodes[0]) + ranges(split..<HashSlot.count, nodes[1])
        return ClusterMap(.array(slots), asked: nodes[0])!
    }

    @Test("a subscription is refused without an owner, and moves with its slot once it was answered")
    func moves() {
        var subscriptions = ClusterStateMachine()
        let (first, second) = (Self.nodes[0], Self.nodes[1])
        let early = subscriptions.subscribe(a, receiver: 0, ticket: 1)
        #expect(early == .refuse(a, receiver: 0, ticket: 1))
        _ = subscriptions.take(Self.map(split: HashSlot.count))
        let ask = subscriptions.subscribe(a, receiver: 0, ticket: 2)
        #expect(ask == .subscribe(a, receiver: 0, ticket: 2, at: first))
        let place = StreamPosition(offset: 7, epoch: "e")
        let isNews = subscriptions.answered(a, receiver: 0, ticket: 2, position: place, by: first)
        let isTwice = subscriptions.answered(a, receiver: 0, ticket: 2, position: place, by: first)
        #expect(isNews && !isTwice)
        let slot = ClusterStateMachine.slot(of: a)
        let actions = subscriptions.move(slot, to: second)
        #expect(
            actions == [
                .unsubscribe(a, receiver: 0, at: first), .adopt(a, receivers: [0], position: place, at: second),
            ])
        let again = subscriptions.move(slot, to: first)
        #expect(again == nil, "two nodes that disagree are not followed to and fro")
        let answerOfOld = subscriptions.answered(a, receiver: 0, ticket: 2, position: nil, by: first)
        #expect(!answerOfOld)
        #expect(subscriptions.take(Self.map(split: 0)).isEmpty)
        let end = subscriptions.unsubscribe(a, receiver: 0)
        #expect(end == .unsubscribe(a, receiver: 0, at: second))
        #expect(subscriptions.unsubscribe(a, receiver: 0) == nil)
    }

    @Test("after a move each receiver gets what it lacks, once, and nothing from the old node")
    func positions() {
        var subscriptions = ClusterStateMachine()
        let (first, second) = (Self.nodes[0], Self.nodes[1])
        func place(_ offset: UInt64) -> StreamPosition { StreamPosition(offset: offset, epoch: "e") }
        _ = subscriptions.take(Self.map(split: HashSlot.count))
        for receiver in 0..<2 {
            _ = subscriptions.subscribe(a, receiver: receiver, ticket: UInt64(receiver))
            _ = subscriptions.answered(a, receiver: receiver, ticket: UInt64(receiver), position: place(5), by: first)
        }
        let isFirst = subscriptions.brought(a, receiver: 0, place(6), goesOn: false, by: first)
        #expect(isFirst)
        let actions = subscriptions.take(Self.map(split: 0))
        #expect(actions.last == .adopt(a, receivers: [0, 1], position: place(5), at: second))
        let isOld = subscriptions.brought(a, receiver: 1, place(6), goesOn: false, by: first)
        let isKnown = subscriptions.brought(a, receiver: 0, place(6), goesOn: false, by: second)
        let isMissed = subscriptions.brought(a, receiver: 1, place(6), goesOn: false, by: second)
        #expect(!isOld && !isKnown && isMissed)
        let goesOn = subscriptions.brought(
            a, receiver: 0, StreamPosition(offset: 1, epoch: "f"), goesOn: true, by: second)
        #expect(goesOn)
    }

    @Test("random wishes, answers and moves: everything is subscribed at home and nowhere else", arguments: 0..<100)
    func model(seed: Int) {
        struct Key: Hashable {
            let channel: ChannelName
            let receiver: Int
        }
        var random = SeededRandom(seed: UInt64(seed))
        var subscriptions = ClusterStateMachine()
        let channels = (0..<6).map { try! ChannelName("c\($0)") }
        var at: [RedisEndpoint: [Key: UInt64?]] = [:]
        var wanted: [Key: UInt64] = [:]
        var answered: Set<UInt64> = []
        var ticket: UInt64 = 0
        func carryOut(_ actions: [ClusterStateMachine.Action]) {
            for action in actions {
                switch action {
                case .subscribe(let channel, let receiver, let ticket, let node):
                    at[node, default: [:]][Key(channel: channel, receiver: receiver)] = .some(ticket)
                case .adopt(let channel, let receivers, _, let node):
                    for receiver in receivers {
                        at[node, default: [:]].updateValue(nil, forKey: Key(channel: channel, receiver: receiver))
                    }
                case .unsubscribe(let channel, let receiver, let node):
                    at[node]?.removeValue(forKey: Key(channel: channel, receiver: receiver))
                case .refuse(let channel, let receiver, let ticket):
                    #expect(!answered.contains(ticket))
                    let key = Key(channel: channel, receiver: receiver)
                    if wanted[key] == ticket { wanted[key] = nil }
                }
            }
        }
        for _ in 0..<150 {
            let key = Key(
                channel: channels.randomElement(using: &random)!, receiver: Int.random(in: 0..<2, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where wanted[key] == nil:
                ticket += 1
                wanted[key] = ticket
                carryOut([subscriptions.subscribe(key.channel, receiver: key.receiver, ticket: ticket)])
            case 1 where wanted[key] != nil:
                wanted[key] = nil
                if let action = subscriptions.unsubscribe(key.channel, receiver: key.receiver) { carryOut([action]) }
            case 2:
                let low = Int.random(in: 0..<HashSlot.count, using: &random)
                let gap = Bool.random(using: &random) ? 0..<0 : low..<min(HashSlot.count, low + 4_000)
                let nodes = Self.nodes.shuffled(using: &random)
                carryOut(
                    subscriptions.take(
                        Self.map(split: Int.random(in: 0...HashSlot.count, using: &random), nodes: nodes, gap: gap)))
            case 3:
                let slot = ClusterStateMachine.slot(of: key.channel)
                carryOut(subscriptions.move(slot, to: Self.nodes.randomElement(using: &random)!) ?? [])
            default:
                // Any node answers what it was asked, also when that counts no more.
                for (node, asked) in at {
                    for case (let key, let ticket?) in asked {
                        if subscriptions.answered(
                            key.channel, receiver: key.receiver, ticket: ticket, position: nil, by: node)
                        {
                            #expect(answered.insert(ticket).inserted, "answered twice")
                        }
                    }
                }
            }
        }
        for node in Self.nodes {
            let expected = Set(wanted.keys.filter { subscriptions.home(of: $0.channel) == node })
            #expect(Set((at[node] ?? [:]).keys) == expected)
        }
    }
}

@Suite("Sharded commands")
struct ShardedCommandsTests {
    private let channels = ["a", "b", "c"].map { try! ChannelName($0) }

    @Test("channels are split by slot")
    func split() {
        let parts = ShardedCommands.bySlot(channels + channels)
        #expect(parts.count == 3)
        for (slot, channels) in parts { #expect(channels.allSatisfy { HashSlot.slot(of: $0.string.utf8) == slot }) }
    }

    @Test("an error is held against the command whose slot it names")
    func errors() {
        var commands = ShardedCommands()
        commands.add(isSubscribe: true, slot: 1, [channels[0]])
        commands.add(isSubscribe: false, slot: 2, [channels[1]])
        commands.add(isSubscribe: true, slot: 2, [channels[2]])
        let ofAnother = commands.refused("MOVED 3 h:1")
        #expect(ofAnother.isEmpty)
        let leave = commands.refused("MOVED 2 h:1")
        #expect(leave.isEmpty, "a SUNSUBSCRIBE that fails leaves nothing to do")
        let moved = commands.refused("MOVED 2 h:1")
        #expect(moved == [channels[2]])
        let first = commands.refused("CLUSTERDOWN Hash slot not served")
        #expect(first == [channels[0]], "without a slot it is the oldest")
        let none = commands.refused("CLUSTERDOWN Hash slot not served")
        #expect(none.isEmpty)
    }

    @Test("a sunsubscribe that was not asked for is told from one that was")
    func unasked() {
        var commands = ShardedCommands()
        let early = commands.unsubscribed(channels[0])
        commands.add(isSubscribe: false, slot: 1, [channels[0]])
        let asked = commands.unsubscribed(channels[0])
        let late = commands.unsubscribed(channels[0])
        #expect(!early && asked && !late)
        commands.add(isSubscribe: true, slot: 1, [channels[0]])
        commands.subscribed(channels[0])
        let nothing = commands.refused("CLUSTERDOWN")
        #expect(nothing.isEmpty)
    }
}
