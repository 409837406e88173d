/// What a run does.
package struct ChaosPlan: Sendable {
    /// How long faults are made; the last one may end later.
    package var duration = Duration.seconds(600)
    /// Makes the order of faults, their lengths, and when clients leave.
    package var seed: UInt64 = 1
    /// The faults that are drawn from.
    package var faults = Fault.allCases
    /// Clients that listen.
    package var clients = 300
    /// How they listen, in turn.
    package var kinds = ClientKind.allCases
    /// Channels.
    package var channels = 20
    /// Channels of one client.
    package var subscriptions = 2
    /// Publications a second, all channels together.
    package var rate = 1_000
    /// How many of a hundred are published by clients, the others through the server API.
    package var clientShare = 30
    /// Nodes.
    package var nodes = 3
    /// Between a fault that has healed and the next.
    package var quiet = Duration.seconds(3)
    /// On average a client goes away by itself after so long.
    package var stay = Duration.seconds(30)
    /// A fault that has not healed by then is a violation, and ends the run.
    package var patience = Duration.seconds(60)
    /// Between two probes of a node.
    package var probeInterval = Duration.seconds(1)
    /// After which a node takes a silent Redis for gone.
    package var redisTimeout = Duration.seconds(2)
    /// Publications that a channel keeps: several minutes.
    package var history = 20_000

    /// Whether networks are cut in network namespaces where that is possible; else in a relay.
    package var usesNamespaces = true

    package init() {}

    /// Flags of every node.
    var flags: [String] {
        [
            "--namespaces", "chaos: history=\(history)/1h recovery; flood:", "--redis-probe-interval",
            "\(probeInterval.milliseconds)ms", "--redis-timeout", "\(redisTimeout.milliseconds)ms", "--ping-interval",
            "\(pingInterval.milliseconds)ms", "--pong-timeout", "2s", "--drain", "1s", "--max-recovery", "20000",
            "--log-level", "info",
        ]
    }

    /// Of the nodes, so that clients of a frozen one find out soon.
    let pingInterval = Duration.seconds(3)
    /// For a connection, a session and an answer; then a client tries elsewhere.
    let answerTimeout = Duration.seconds(5)
    /// For the answer to a publish through the server API.
    var publishTimeout: Duration { redisTimeout + .seconds(2) }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    var microsecondCount: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
