import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareCore

/// Hub, session and memory broker together, by chance: live traffic and reads of history arrive late, each in its own
/// order, while clients come, go, and come back with their positions.
@Suite("Recovery: model")
struct RecoveryModelTests {
    @Test("whatever overtakes what, every client gets everything once and in order, or is told", arguments: 0..<8)
    func model(part: Int) throws {
        var (recovered, told) = (0, 0)
        for seed in part * 250..<(part + 1) * 250 {
            let run = RecoveryModelRun(seed: seed)
            for _ in 0..<150 { run.step() }
            run.end()
            if let problem = run.problems.first {
                Issue.record("seed \(seed): \(problem)")
                return
            }
            recovered += run.recovered
            told += run.told
        }
        // Both ends were met.
        #expect(recovered > 100)
        #expect(told > 10)
    }
}

/// One run.
final class RecoveryModelRun {
    private static let channels = ["h:a", "h:b"]
    private var random: SeededRandom
    private let rules: ChannelRulebook
    private let broker: MemoryBroker
    /// Live traffic and answers to subscriptions; answers to reads.
    private let traffic = Mailbox<BrokerEvent>(wake: {})
    private let reads = Mailbox<BrokerEvent>(wake: {})
    private var (waitingTraffic, waitingReads): ([BrokerEvent], [BrokerEvent]) = ([], [])
    private let shard: HubShard<RecoveringMember>
    private var members: [RecoveringMember] = []
    private var offsets: [String: UInt64] = [:]
    private(set) var problems: [String] = []
    private(set) var (recovered, told) = (0, 0)

    init(seed: Int) {
        random = SeededRandom(seed: UInt64(seed))
        var kept = ChannelRules()
        kept.history = .init(size: 12, age: .seconds(3_600))
        kept.recovery = .stream
        rules = ChannelRulebook(namespaces: ["h": kept])
        broker = MemoryBroker(rules: rules, formats: FormatTable(), metrics: BrokerMetrics())
        shard = HubShard(
            broker: broker, receiver: 0, metrics: LoopMetrics(), mailbox: reads,
            maxRecovery: [3, 8, 100][seed % 3])
        broker.start(receivers: [traffic])
        for _ in 0..<3 { join(knowing: [:]) }
    }

    private func chance(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    private func channel() -> String { Self.channels[chance(Self.channels.count)] }

    func step() {
        switch chance(20) {
        case 0..<7: publish()
        case 7..<10: members[chance(members.count)].toggle(channel(), recovers: chance(5) > 0)
        case 10:
            // It vanishes and comes back with what it knows.
            let index = chance(members.count)
            let gone = members[index]
            leave(index)
            join(knowing: gone.known)
        case 11: insufficient()
        case 12..<15: release(\.waitingReads, upTo: 2)
        case 15: shard.flush(now: { 0 })
        default: release(\.waitingTraffic, upTo: 5)
        }
        for member in members { note(member) }
    }

    /// Everything arrives: then everyone in a channel has all of it.
    func end() {
        for _ in 0..<20 {
            release(\.waitingTraffic, upTo: .max)
            release(\.waitingReads, upTo: .max)
            shard.flush(now: { 0 })
        }
        for member in members {
            note(member)
            if !member.asked.isEmpty { problems.append("no answer for \(member.asked.keys)") }
            for channel in member.live where member.known[channel]?.offset != offsets[channel, default: 0] {
                problems.append("\(channel): \(String(describing: member.known[channel])) of \(offsets)")
            }
        }
        while !members.isEmpty { leave(0) }
        if shard.channelCount != 0 { problems.append("channels are left") }
    }

    private func note(_ member: RecoveringMember) {
        member.read()
        problems += member.surprises.map(\.description)
    }

    private func join(knowing known: [String: RecoveringMember.Knowledge]) {
        members.append(RecoveringMember(shard: shard, rules: rules, known: known))
    }

    private func leave(_ index: Int) {
        let member = members.remove(at: index)
        note(member)
        recovered += member.recovered
        told += member.told
        shard.leave(member)
    }

    private func publish() {
        let name = channel()
        guard let channel = try? ChannelName(name) else { return }
        offsets[name, default: 0] += 1
        let text = "\"\(name) \(offsets[name, default: 0])\""
        broker.publish(Publication(channel: channel, payload: Payload(text: text))) { _ in }
    }

    /// What a broker does that could not fill a gap; here nothing was missing, so clients that come back recover.
    private func insufficient() {
        release(\.waitingTraffic, upTo: .max)
        shard.flush(now: { 0 })
        let name = channel()
        guard let channel = try? ChannelName(name), let position = shard.position(of: channel) else { return }
        shard.insufficient(channel, position: position)
    }

    private func release(_ events: ReferenceWritableKeyPath<RecoveryModelRun, [BrokerEvent]>, upTo limit: Int) {
        waitingTraffic += traffic.take()
        waitingReads += reads.take()
        let now = Array(self[keyPath: events].prefix(limit == .max ? .max : 1 + chance(limit)))
        self[keyPath: events].removeFirst(now.count)
        for event in now { handle(event) }
    }

    private func handle(_ event: BrokerEvent) {
        switch event {
        case .publication(let prepared): shard.publish(prepared)
        case .subscribed(let channel, let ticket, let position):
            shard.subscribed(channel, ticket: ticket, position: position)
        case .history(let channel, let read, let result): shard.history(channel, read: read, result)
        case .presence, .returned: break
        case .subscribeFailed, .insufficient: problems.append("the memory broker failed")
        }
    }
}
