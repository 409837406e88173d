import FanfareTestKit
import Testing

/// Nodes that live and die by chance, with clients in one channel; one node, with who watches, stays.
final class PresenceRun {
    private let redis: String
    private let flags: [String]
    private let seed: UInt64
    private var random: SeededRandom
    private var nodes: [Node] = []
    private var clients: [[CentrifugeClient]] = [[], [], []]
    private var watcher: PresenceWatcher?

    init(redis: String, flags: [String], seed: UInt64) {
        self.redis = redis
        self.flags = flags
        self.seed = seed
        random = SeededRandom(seed: seed)
    }

    func start() async throws {
        for index in 0...2 { nodes.append(try await Node.start("n\(index)", redis: redis, flags: flags)) }
        watcher = try await PresenceWatcher.start(nodes[0], "room:1")
    }

    func step(_ step: Int) async throws {
        let index = Int.random(in: 1...2, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            if Bool.random(using: &random) { await nodes[index].kill() } else { await nodes[index].stop() }
            clients[index] = []
            nodes[index] = try await Node.start("n\(index)-\(step)", redis: redis, flags: flags)
        case 1:
            if let client = clients[index].popLast() { await client.close() }
        default:
            for _ in 0..<4 {
                let client = try await nodes[index].centrifuge()
                try await client.subscribe("room:1")
                clients[index].append(client)
            }
        }
    }

    /// Everybody sees who is there, and what was heard adds up to the same.
    func check() async throws {
        guard let watcher else { return }
        let expected = Set(clients.joined().map(\.clientID)).union([watcher.client.clientID])
        for node in nodes {
            var seen: Set<String> = []
            try await eventually(
                """
                presence is right on \(node.name), seed \(seed): missing \(expected.subtracting(seen)), \
                not there \(seen.subtracting(expected)), heard \(watcher.events)\n\(nodes.map(\.log))
                """
            ) {
                seen = try await node.members("room:1")
                return seen == expected
            }
        }
        try await eventually("the events add up, seed \(seed): \(watcher.events)") {
            Self.sum(watcher.events).there == expected
        }
        let odd = Self.sum(watcher.events).odd
        #expect(odd.isEmpty, "seed \(seed): \(watcher.events)")
    }

    func stop() async {
        await watcher?.stop()
        for node in nodes { await node.stop() }
    }

    /// Who is there by what was heard, and what can't be: who came twice, who left and was not there.
    private static func sum(_ events: [String]) -> (there: Set<String>, odd: [String]) {
        var there: Set<String> = []
        var odd: [String] = []
        for event in events {
            let client = String(event.dropFirst())
            let isEven = event.hasPrefix("+") ? there.insert(client).inserted : there.remove(client) != nil
            if !isEven { odd.append(event) }
        }
        return (there, odd)
    }
}
