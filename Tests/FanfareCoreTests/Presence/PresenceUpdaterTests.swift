import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Synchronization
import Testing

@testable import FanfareCore

@Suite("Presence updater")
struct PresenceUpdaterTests {
    /// Nodes with one channel over one store; a receiver hears what happens.
    private final class World {
        static let ttl = Duration.seconds(60)
        let channel: ChannelName
        let clock = TurnedClock()
        let rules: ChannelRulebook
        let broker: MemoryBroker
        let mailbox = Mailbox<BrokerEvent>(wake: {})
        var nodes: [PresenceModelNode] = []
        var heard: [String] = []

        init(nodes count: Int, seed: Int = 0) throws {
            channel = try ChannelName("a")
            var all = ChannelRules()
            all.presence = true
            all.joinLeave = true
            rules = ChannelRulebook(plain: all, presenceTTL: Self.ttl)
            broker = MemoryBroker(
                rules: rules, formats: FormatTable(), metrics: BrokerMetrics(), clock: clock.clock)
            broker.start(receivers: [mailbox])
            broker.subscribe(channel, receiver: 0, ticket: 1)
            for index in 0..<count { add(seed: seed * 100 + index) }
        }

        func add(seed: Int) { nodes.append(PresenceModelNode(broker, rules: rules, clock: clock, seed: seed)) }

        func join(_ client: String, at node: Int) {
            nodes[node].wanted.insert(client)
            nodes[node].updater.joined(ClientInfo(client: ExactText(client), user: "u"), channel)
        }

        func leave(_ client: String, at node: Int) {
            nodes[node].wanted.remove(client)
            nodes[node].updater.left(ExactText(client), channel)
        }

        /// Lets time pass in ticks of the wheel.
        func pass(_ duration: Duration) {
            for _ in 0..<max(1, duration.microseconds / 100_000) {
                clock.turn(.milliseconds(100))
                for node in nodes {
                    node.wheel.advance(to: clock.now)
                    node.store.answer()
                    node.updater.visitAnswers()
                }
            }
            for case .presence(let prepared) in mailbox.take() {
                heard.append((prepared.event.kind == .join ? "+" : "-") + prepared.event.info.client.string)
            }
        }

        var present: Set<String> {
            let found = Mutex<Set<String>>([])
            broker.presence(of: channel, limit: .max, maxBytes: .max) { result in
                if case .success(let page) = result { found.withLock { $0 = Set(page.members.map(\.client.string)) } }
            }
            return found.withLock(\.self)
        }

        var wanted: Set<String> { nodes.reduce(into: []) { $0.formUnion($1.wanted) } }
    }

    @Test("joins and leaves of one tick are one call each, and what came and went is never told")
    func batches() throws {
        let world = try World(nodes: 1)
        for number in 0..<1_200 { world.join("\(number)", at: 0) }
        for number in 0..<100 { world.leave("\(number)", at: 0) }
        world.pass(.milliseconds(100))
        #expect(world.nodes[0].store.state.withLock(\.calls) == [500, 500, 100])
        #expect(world.heard.count == 1_100 && world.present.count == 1_100)
        for number in 100..<1_200 { world.leave("\(number)", at: 0) }
        for number in 100..<200 { world.join("\(number)", at: 0) }
        world.pass(.milliseconds(100))
        #expect(world.nodes[0].store.state.withLock(\.calls) == [500, 500, 100, 500, 500])
        #expect(world.present == world.wanted && world.present.count == 100)
    }

    @Test("members stay as long as their node lives, at one refresh of 500 in two fifths of their time")
    func refresh() throws {
        let world = try World(nodes: 1)
        for number in 0..<5_000 { world.join("\(number)", at: 0) }
        world.pass(.seconds(600))
        #expect(world.present.count == 5_000 && world.heard.count == 5_000)
        let calls = world.nodes[0].store.state.withLock(\.calls).dropFirst(10)
        #expect(calls.allSatisfy { $0 == 500 })
        #expect((230...270).contains(calls.count), "\(calls.count) refreshes in 25 rounds")
    }

    @Test("the members of a dead node leave once, also when nobody else does anything")
    func death() throws {
        let world = try World(nodes: 3)
        for number in 0..<90 { world.join("\(number)", at: number % 3) }
        world.pass(.seconds(30))
        let dead = world.nodes.remove(at: 1).wanted
        world.pass(.seconds(75))
        #expect(world.present == world.wanted)
        #expect(Set(world.heard.filter { $0.hasPrefix("-") }) == Set(dead.map { "-" + $0 }))
        #expect(world.heard.count == 90 + dead.count)
    }

    @Test("one that leaves and comes back while its leave is under way is heard of again")
    func comesBack() throws {
        let world = try World(nodes: 1)
        world.join("1", at: 0)
        world.pass(.milliseconds(100))
        world.leave("1", at: 0)
        // The tick tells the store, its answer comes later.
        world.clock.turn(.milliseconds(100))
        world.nodes[0].wheel.advance(to: world.clock.now)
        world.join("1", at: 0)
        world.pass(.seconds(120))
        #expect(world.heard == ["+1", "-1", "+1"])
        #expect(world.present == ["1"])
    }

    @Test("before a read the store is told at once")
    func tell() throws {
        let world = try World(nodes: 1)
        world.join("1", at: 0)
        #expect(world.present.isEmpty)
        world.nodes[0].updater.tell(world.channel)
        #expect(world.present == ["1"])
        world.pass(.seconds(1))
        #expect(world.nodes[0].store.state.withLock(\.calls) == [1])
    }

    @Test("the first change of a quiet channel is told at once, those right after it together")
    func atOnce() throws {
        let world = try World(nodes: 1)
        world.join("1", at: 0)
        world.nodes[0].updater.flush()
        #expect(world.present == ["1"])
        for number in 2...50 {
            world.join("\(number)", at: 0)
            world.nodes[0].updater.flush()
        }
        #expect(world.present == ["1"])
        world.pass(.milliseconds(200))
        #expect(world.present.count == 50)
        #expect(world.nodes[0].store.state.withLock(\.calls) == [1, 49])
    }

    @Test(
        "a visit takes a turn's worth of the store's answers, the next the rest, and what came meanwhile is not left behind"
    )
    func turns() throws {
        let world = try World(nodes: 0)
        let wakes = Mutex(0)
        let wheel = TimingWheel(now: world.clock.now)
        let answers = Mailbox<PresenceUpdater.Answer>(wake: { wakes.withLock { $0 += 1 } })
        let updater = PresenceUpdater(
            store: world.broker, rules: world.rules, wheel: wheel, answers: answers, metrics: LoopMetrics(),
            now: { [clock = world.clock] in clock.now })
        for number in 0..<3_000 { updater.joined(ClientInfo(client: "1", user: "u"), try ChannelName("c\(number)")) }
        updater.flush()
        var visits = 1
        while !updater.visitAnswers() {
            // Somebody posts between two visits, and more than one turn has.
            if visits <= 5 {
                for _ in 0..<(visits == 2 ? 2_000 : 1) {
                    answers.post(.init(channel: world.channel, call: .reap, result: .success(PresenceChange())))
                }
            }
            visits += 1
        }
        #expect(visits >= 5)
        // Whatever way it went: after the last visit nothing waits for which no wake-up is to come.
        let woken = wakes.withLock(\.self)
        answers.post(.init(channel: world.channel, call: .reap, result: .success(PresenceChange())))
        #expect(wakes.withLock(\.self) == woken + 1)
        for number in 0..<3_000 { updater.left("1", try ChannelName("c\(number)")) }
        for _ in 0..<50 {
            world.clock.turn(.milliseconds(100))
            wheel.advance(to: world.clock.now)
            while !updater.visitAnswers() {}
        }
        #expect(updater.channelCount == 0 && wheel.count == 0)
    }

    @Test("an empty channel is forgotten")
    func empty() throws {
        let world = try World(nodes: 1)
        world.join("1", at: 0)
        world.pass(.seconds(1))
        world.leave("1", at: 0)
        world.pass(.seconds(1))
        #expect(world.nodes[0].updater.channelCount == 0 && world.nodes[0].wheel.count == 0)
    }

    @Test(
        "after any sequence of joins, leaves, faults, deaths and silences presence is right and events add up",
        arguments: 1...60)
    func model(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let world = try World(nodes: 3, seed: seed)
        var next = 0
        for _ in 0..<400 {
            let node = Int.random(in: 0..<world.nodes.count, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<40:
                world.join("\(next)", at: node)
                next += 1
            case 40..<62:
                if let client = world.nodes[node].wanted.sorted().randomElement(using: &random) {
                    world.leave(client, at: node)
                    if Bool.random(using: &random) { world.join(client, at: node) }
                }
            case 62..<64:
                world.nodes.remove(at: node)
                world.add(seed: seed * 1_000 + next)
                next += 1
            case 64..<67:
                let faults = Int.random(in: 0...100, using: &random)
                world.nodes[node].store.state.withLock { $0.faults = faults }
            case 67..<70: world.pass(.seconds(Int.random(in: 10...90, using: &random)))
            default: world.pass(.milliseconds(Int.random(in: 100...3_000, using: &random)))
            }
        }
        for node in world.nodes { node.store.state.withLock { $0.faults = 0 } }
        // One more member keeps the channel in use, so that somebody looks.
        world.join("last", at: 0)
        world.pass(.seconds(180))
        #expect(world.present == world.wanted)
        var there: Set<String> = []
        for event in world.heard {
            let client = String(event.dropFirst())
            if event.hasPrefix("+") {
                #expect(there.insert(client).inserted, "\(client) came twice")
            } else {
                #expect(there.remove(client) != nil, "\(client) left and was not there")
            }
        }
        #expect(there == world.wanted)
    }
}
