import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareCore

/// Clients with deltas, with filters and with neither, in one channel, in whatever order they come, go and publish: each reads
/// what it is to hear, and deltas always apply.
@Suite("Hub shard: model of selections")
struct HubSelectiveModelTests {
    /// A client and what it must have heard.
    private final class Listener {
        let member: TestMember
        let selection: Selection?
        let id = ClientID.make(node: .random(), loop: 0)
        var expected: [String] = []
        var heard: [String] = []
        private var reader = DeltaReader()
        private var taken = 0

        init(_ member: TestMember, _ selection: Selection?) { (self.member, self.selection) = (member, selection) }

        var deltas: Int { reader.deltas }

        /// What came since the last time, then what was kept for it while it was behind.
        func read() throws {
            for frame in member.frames[taken...] { try read(frame) }
            taken = member.frames.count
            guard !member.isBehind, let kept = member.kept.removeValue(forKey: 0) else { return }
            try read(kept)
        }

        private func read(_ frame: String) throws {
            guard selection == .deltas else { return heard.append(frame) }
            heard.append(try reader.read(frame))
        }
    }

    @Test("everyone reads what it is to hear", arguments: [false, true], 0..<4)
    func model(newest: Bool, part: Int) throws {
        var deltas = 0
        for seed in part * 60..<(part + 1) * 60 {
            deltas += try run(seed, newest: newest)
        }
        #expect(deltas > 1_000)
    }

    private func run(_ seed: Int, newest: Bool) throws -> Int {
        var random = SeededRandom(seed: UInt64(seed))
        func chance(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        var rules = ChannelRules()
        rules.queue = newest ? .newest : .all
        let bench = HubBench(rules: ChannelRulebook(plain: rules))
        let formats = FormatTable()
        let channel = try ChannelName("a")
        var listeners: [Listener] = []
        var (number, deltas) = (0, 0)
        var words = (0..<12).map { "word\($0)" }
        bench.shard.findClient = { id in listeners.first { $0.id == id }?.member }
        for _ in 0..<120 {
            switch chance(8) {
            case 0 where listeners.count < 8:
                let filter = try TagFilter(.init(op: "", key: "n", cmp: "gt", val: ExactText("\(chance(2))")))
                let selections: [Selection?] = [nil, .filtered(filter), .deltas, .deltas]
                let selection = selections[chance(4)]
                let format: WireFormat = selection == .deltas ? .centrifugeJSONWebSocket : .rawWebSocket
                let listener = Listener(bench.client(format: format), selection)
                listeners.append(listener)
                bench.subscribe(listener.member, "a", selection: selection)
            case 1 where !listeners.isEmpty:
                let gone = listeners.remove(at: chance(listeners.count))
                deltas += gone.deltas
                bench.shard.leave(gone.member)
            default:
                for listener in listeners where newest && chance(3) == 0 { listener.member.isBehind.toggle() }
                for listener in listeners { try listener.read() }
                for _ in 0..<1 + chance(3) {
                    number += 1
                    words[chance(12)] = "w\(number)"
                    let text = "[\(number),\(words.map { "\"\($0)\"" }.joined(separator: ","))]"
                    let value = chance(3)
                    let excluded = chance(6) == 0 ? listeners.randomElement(using: &random)?.id : nil
                    let publication = Publication(
                        channel: channel, payload: Payload(text: text),
                        metadata: PublicationMetadata(
                            tags: try PublicationTags([.init(name: "n", value: ExactText("\(value)"))]),
                            excludedClient: excluded))
                    bench.shard.publish(PreparedPublication(publication, formats: formats, receivedAt: 0))
                    for listener in listeners where listener.id != excluded && listener.selection.takes(publication) {
                        listener.expected.append(text)
                    }
                }
                bench.flush()
            }
        }
        for listener in listeners {
            listener.member.isBehind = false
            try listener.read()
            deltas += listener.deltas
            guard newest else {
                #expect(listener.heard == listener.expected, "seed \(seed)")
                continue
            }
            // Some were skipped; what was heard came in order, up to the newest.
            var rest = listener.expected[...]
            for text in listener.heard { rest = rest.drop { $0 != text }.dropFirst() }
            #expect(listener.heard.last == listener.expected.last && listener.heard.count <= listener.expected.count)
            #expect(rest.isEmpty, "seed \(seed)")
        }
        for listener in listeners { bench.shard.leave(listener.member) }
        #expect(bench.shard.channelCount == 0)
        return deltas
    }
}
