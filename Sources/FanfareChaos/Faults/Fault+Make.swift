import FanfareTestKit
import Foundation

/// A fault as it was drawn.
struct FaultCase: Sendable {
    let fault: Fault
    /// For how long.
    let length: Duration
    /// The node that it is about, where it is about one.
    let node: Int
}

extension ChaosStage {
    /// Makes a fault and takes it back; returns when what was broken is there again, though it may not have healed.
    ///
    /// - Parameter onEmpty: called when Redis' data is gone and Redis is not back yet.
    func make(_ made: FaultCase, onEmpty: () async throws -> Void) async throws {
        switch made.fault {
        case .redisKilled, .redisEmptied:
            await redis.kill()
            await pause(made.length)
            if made.fault == .redisEmptied {
                try emptyRedis()
                try await onEmpty()
            }
            try await redis.restart()
        case .redisFrozen:
            redis.freeze()
            defer { redis.thaw() }
            await pause(made.length)
        case .bufferKick: try await kickSubscribers()
        case .linksKilled: try await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        case .allLinksKilled:
            for _ in 0..<3 {
                for type in ["pubsub", "normal"] { try await redis.command("CLIENT", "KILL", "TYPE", type) }
                await pause(made.length / 3)
            }
        case .memoryFull: try await set("maxmemory", "1mb", "0", for: made.length)
        case .readOnly:
            // Nobody listens there: nothing is copied from it, and nothing is lost.
            try await redis.command("REPLICAOF", "127.0.0.1", "1")
            await pause(made.length)
            try await redis.command("REPLICAOF", "NO", "ONE")
        case .wrongPassword: try await lockOut(for: made.length)
        case .scriptsFlushed: try await redis.command("SCRIPT", "FLUSH")
        case .networkCut: try await cut(Array(0..<plan.nodes), for: made.length)
        case .nodeCut: try await cut([made.node], for: made.length)
        case .nodeKilled:
            await node(made.node).kill()
            await pause(made.length)
            try await restart(made.node)
        case .nodeFrozen:
            let node = node(made.node)
            node.signal(SIGSTOP)
            defer { node.signal(SIGCONT) }
            await pause(made.length)
        case .rollingRestart:
            for index in 0..<plan.nodes {
                await node(index).stop()
                try await restart(index)
                try await eventually("\(node(index).name) is ready again") { await self.isReady(index) }
            }
        }
    }

    /// Ends early when the run does; what a fault changed is taken back all the same.
    private func pause(_ length: Duration) async { await control.sleep(length) }

    private func set(_ name: String, _ value: String, _ back: String, for length: Duration) async throws {
        try await redis.command("CONFIG", "SET", name, value)
        await pause(length)
        try await redis.command("CONFIG", "SET", name, back)
    }

    private func lockOut(for length: Duration) async throws {
        let password = "chaos"
        try await redis.command("CONFIG", "SET", "requirepass", password)
        for type in ["pubsub", "normal"] {
            try await redis.command("-a", password, "CLIENT", "KILL", "TYPE", type, "SKIPME", "yes")
        }
        await pause(length)
        try await redis.command("-a", password, "CONFIG", "SET", "requirepass", "")
    }

    /// A message that is bigger than what Redis keeps for a subscriber, in a channel that every node hears.
    private func kickSubscribers() async throws {
        var listeners: [WebSocketClient] = []
        for port in ports { listeners.append(try await WebSocketClient.connect(port, "/channels/flood:kick/ws")) }
        let usual = "256mb 64mb 60"
        try await redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32kb 32kb 1")
        try await redis.command(
            "EVAL", "return redis.call('PUBLISH', 'fanfare:flood:kick', string.rep('x', 131072))", "0")
        try await redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub \(usual)")
        for listener in listeners { await listener.close() }
    }

    private func cut(_ links: [Int], for length: Duration) async throws {
        for link in links { try await path.cut(link) }
        await pause(length)
        for link in links { try await path.mend(link) }
    }
}
