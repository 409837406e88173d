import FanfareTestKit
import Testing

/// Clients of Engine.IO that move to a WebSocket while their rate holds them back.
@Suite("Engine.IO: the move of a throttled client")
struct EngineIOThrottleTests {
    /// Of a burst of some few, two in a second.
    private static let flags = [
        "--loops", "3", "--max-message-rate", "2", "--max-commands", "4", "--ping-interval", "66s", "--pong-timeout",
        "8s",
    ]
    private static let clients = 6
    /// Sent with a POST, and behind the 5.
    private static let (posted, behind) = (14, 6)

    @Test(
        "what waits of its POST and what comes on the WebSocket is taken in order, once, and no faster than before, on whichever event loop the WebSocket arrived",
        .timeLimit(.minutes(10)))
    func oneNode() async throws {
        try await withNode(flags: Self.flags) { node in
            try await move(node, posting: node.port, nil)
        }
    }

    @Test("so it is over TLS, where a WebSocket from another event loop is bridged", .timeLimit(.minutes(10)))
    func overTLS() async throws {
        let authority = try TestAuthority()
        try await withNode(flags: Self.flags + authority.issue("node", days: 1).flags) { node in
            try await move(node, posting: node.port, TLSClient(caFile: authority.caFile))
        }
    }

    @Test("and where the POST came through another node", .timeLimit(.minutes(10)))
    func otherNode() async throws {
        try await withCluster(nodes: 2, flags: Self.flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 2 }
            }
            try await move(cluster.nodes[0], posting: cluster.nodes[1].port, nil)
        }
    }

    private func move(_ node: Node, posting port: Int, _ tls: TLSClient?) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.clients { group.addTask { try await move(one: node, posting: port, tls) } }
            try await group.waitForAll()
        }
        #expect(try await node.metric("fanfare_engineio_upgrades_total") == Double(Self.clients))
        #expect(try await node.metric(#"fanfare_throttled_total{limit="messages"}"#) >= Double(Self.clients))
    }

    /// An event that no node has a handler for, so that each is answered at once, when it is begun.
    private func event(_ number: Int) -> String { "42\(number)[\"nothing\"]" }

    private func move(one node: Node, posting port: Int, _ tls: TLSClient?) async throws {
        let client = try await EngineIOClient.open(node.port, path: "/socket.io/", tls: tls)
        try await client.post(node.port, "40")
        #expect(try await client.poll(node.port).last?.hasPrefix("40{") == true)
        let start = ContinuousClock.now
        let body = (0..<Self.posted).map(event).joined(separator: EngineIOClient.separator)
        async let post = client.post(port, body)
        // Those that were begun at once; more than a burst is sent, so the client is held back behind them.
        var heard: [String] = []
        while heard.isEmpty { heard = try await client.poll(node.port) }
        let socket = try await client.probed(node.port)
        for packet in ["5"] + (Self.posted..<(Self.posted + Self.behind)).map(event) { socket.sendLater(packet) }
        while heard.count < Self.posted + Self.behind { heard.append(try await socket.nextText()) }
        let numbers = heard.map { Int($0.dropFirst(2).prefix { $0 != "[" }) }
        #expect(numbers == Array(0..<(Self.posted + Self.behind)), "\(heard)")
        #expect(ContinuousClock.now - start >= .seconds(4), "the move is no way around the rate")
        #expect(try await post.status == 200)
        await socket.close()
    }
}
