import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareRedis

/// What presence costs Redis, counted by Redis itself: no clock but the one that the test turns.
@Suite("Presence costs")
struct PresenceCostTests {
    private static let members = 10_000
    private static let loops = 4
    private static let seconds = 240

    @Test("10,000 members cost a few commands a second")
    func tenThousand() async throws {
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url, presenceTTL: .seconds(60))) { probe in
                try await probe.isUp()
                let world = CostWorld(probe, loops: Self.loops)
                let channel = try ChannelName("quiet:1")
                let start = try await Costs.read(redis)
                for number in 0..<Self.members {
                    // As long as a client's id is.
                    let client = "0123456789abcdef-0123-4567-" + String(10_000_000 + number)
                    world.keepers[number % Self.loops].updater.joined(ClientInfo(client: ExactText(client)), channel)
                }
                try await world.pass(seconds: 1)
                let joined = try await Costs.read(redis)
                try await world.pass(seconds: Self.seconds)
                let refreshed = try await Costs.read(redis)
                let count = try await probe.stats("quiet:1").clients
                #expect(count == Self.members)
                let memory = try await Costs.memory(redis, "fanfare:{quiet:1}:presence", "fanfare:{quiet:1}:expiry")
                let joins = joined - start
                let refreshes = refreshed - joined
                let perSecond = { (value: Int) in Double(value) / Double(Self.seconds) }
                print(
                    """
                    joins: \(joins.scripts) scripts, \(joins.commands) commands, \(joins.bytesIn) bytes in
                    refreshes, per second: \(perSecond(refreshes.scripts)) scripts, \(perSecond(refreshes.commands)) \
                    commands, \(perSecond(refreshes.bytesIn)) bytes in, \(perSecond(refreshes.bytesOut)) out
                    memory: \(memory) bytes
                    """)
                #expect(joins.scripts <= 24)
                // 10,000 members in 20 calls each 21.6 to 24 s.
                #expect(perSecond(refreshes.scripts) <= 1)
                #expect(perSecond(refreshes.commands) <= 10)
                #expect(perSecond(refreshes.bytesIn) <= 30_000)
                #expect(memory <= Self.members * 400)
            }
        }
    }
}

/// Event loops without a node, on a clock that is turned.
private final class CostWorld {
    let keepers: [(updater: PresenceUpdater, wheel: TimingWheel)]
    private let store: CountingStore

    private final class Time: Sendable {
        let now = Atomic<UInt64>(1_000_000)
    }

    private let turned = Time()

    init(_ probe: BrokerProbe, loops: Int) {
        let store = CountingStore(probe.broker)
        self.store = store
        let turned = self.turned
        keepers = (0..<loops).map { _ in
            let wheel = TimingWheel(now: turned.now.load(ordering: .relaxed))
            let updater = PresenceUpdater(
                store: store, rules: BrokerProbe.presenceRules(ttl: .seconds(60)), wheel: wheel,
                answers: Mailbox(wake: {}), metrics: LoopMetrics(),
                now: { turned.now.load(ordering: .relaxed) })
            return (updater, wheel)
        }
    }

    func pass(seconds: Int) async throws {
        for _ in 0..<seconds * 10 {
            let now = turned.now.add(100_000, ordering: .relaxed).newValue
            for (_, wheel) in keepers { wheel.advance(to: now) }
            try await eventually("all is answered") { store.waiting == 0 }
            for (updater, _) in keepers { updater.visitAnswers() }
        }
    }
}

/// Counts what is not answered yet.
private final class CountingStore: NoPresence {
    private let store: any PresenceStore
    private let count = Atomic<Int>(0)

    var waiting: Int { count.load(ordering: .acquiring) }

    init(_ store: any PresenceStore) { self.store = store }

    func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { store.join(members, channel, returning: returning, completion: counted(completion)) }

    func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { store.refresh(clients, channel, completion: counted(completion)) }

    func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { store.reap(channel, completion: counted(completion)) }

    private func counted(
        _ completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) -> @Sendable (Result<PresenceChange, BrokerError>) -> Void {
        count.add(1, ordering: .relaxed)
        return { result in
            completion(result)
            self.count.subtract(1, ordering: .releasing)
        }
    }
}

/// What Redis did so far, without its own INFO and probes of the links.
private struct Costs {
    var scripts = 0
    var commands = 0
    var bytesIn = 0
    var bytesOut = 0

    static func - (lhs: Costs, rhs: Costs) -> Costs {
        Costs(
            scripts: lhs.scripts - rhs.scripts, commands: lhs.commands - rhs.commands,
            bytesIn: lhs.bytesIn - rhs.bytesIn, bytesOut: lhs.bytesOut - rhs.bytesOut)
    }

    static func read(_ redis: RedisServer) async throws -> Costs {
        var costs = Costs()
        for line in try await redis.command("INFO", "all").split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "total_net_input_bytes": costs.bytesIn = Int(parts[1]) ?? 0
            case "total_net_output_bytes": costs.bytesOut = Int(parts[1]) ?? 0
            case let name where name.hasPrefix("cmdstat_"):
                let verb = name.dropFirst("cmdstat_".count)
                guard !["info", "publish", "memory|usage", "command|docs"].contains(verb) else { continue }
                let calls = parts[1].split(separator: ",").first.flatMap { Int($0.dropFirst("calls=".count)) } ?? 0
                costs.commands += calls
                if verb == "evalsha" { costs.scripts = calls }
            default: break
            }
        }
        return costs
    }

    static func memory(_ redis: RedisServer, _ keys: String...) async throws -> Int {
        var sum = 0
        for key in keys {
            let text = try await redis.command("MEMORY", "USAGE", key, "SAMPLES", "0")
            sum += Int(text.split(separator: " ").last ?? "") ?? 0
        }
        return sum
    }
}
