import NIOCore
import Support
import Testing

/// Connections that are there to wear a node out. `make attack` does the same in crowds and measures what neighbours feel.
@Suite("Cluster: attacks", .serialized)
struct AttackTests {
    /// Runs `body` beside a neighbour that must hear its own messages before and after, and waits until the node holds
    /// nothing of it any more.
    private func withNeighbour(_ flags: [String], _ body: (Node) async throws -> Void) async throws {
        // The neighbour answers pings only while it listens for something.
        try await withNode(flags: flags + ["--ping-interval", "off"]) { node in
            let neighbour = try await node.raw("neighbour")
            try await hears(neighbour, "before")
            let files = try await node.metric("process_open_fds")
            try await body(node)
            try await hears(neighbour, "after")
            try await eventually("only the neighbour is left") {
                guard try await node.metric("fanfare_connections") == 1 else { return false }
                guard try await node.metric("fanfare_pending_connections") == 0 else { return false }
                guard try await node.metric("fanfare_queue_bytes") == 0 else { return false }
                return try await node.metric("process_open_fds") <= files
            }
            await neighbour.close()
        }
    }

    private func hears(_ client: WebSocketClient, _ text: String) async throws {
        try await client.send(text)
        let heard = try await client.nextText()
        #expect(heard == text)
    }

    private func counted(_ node: Node, _ metric: String, _ value: Double) async throws {
        try await eventually("\(metric) is \(value)") { try await node.metric(metric) == value }
    }

    @Test("silent sockets above the limit take the place of the oldest, the others get 408, then there is room again")
    func silent() async throws {
        let flags = ["--max-pending-connections", "10", "--handshake-timeout", "10s", "--loops", "1"]
        try await withNeighbour(flags) { node in
            var sockets: [SocketClient] = []
            for _ in 0..<10 { sockets.append(try await SocketClient.connect(node.port)) }
            try await counted(node, "fanfare_pending_connections", 10)
            for _ in 0..<5 {
                let oldest = sockets.removeFirst()
                sockets.append(try await SocketClient.connect(node.port))
                let answer = try await oldest.receive("the end") { HTTPAnswer.parse(&$0) }
                #expect(answer == nil)
            }
            try await counted(node, #"fanfare_connections_refused_total{reason="pending_limit"}"#, 5)
            for socket in sockets {
                let answer = try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }
                #expect(answer?.status == 408)
                await socket.close()
            }
            try await counted(node, #"fanfare_connections_refused_total{reason="handshake_timeout"}"#, 10)
        }
    }

    @Test("a request that comes byte by byte has no more time than another")
    func drip() async throws {
        try await withNeighbour(["--handshake-timeout", "1s"]) { node in
            let socket = try await SocketClient.connect(node.port)
            let drip = Task {
                for byte in Array("GET / HTTP/1.1\r\nHost: ".utf8) + Array(repeating: 97, count: 1_000) {
                    socket.sendLater(ByteBuffer(bytes: [byte]))
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let answer = try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }
            drip.cancel()
            #expect(answer?.status == 408)
            await socket.close()
        }
    }

    @Test("a peer that neither reads nor answers is closed with 3012, like one whose line is cut")
    func frozen() async throws {
        try await withNode(flags: ["--ping-interval", "2s", "--pong-timeout", "1s"]) { node in
            let neighbour = try await node.raw("n")
            // It answers pings until somebody says the word.
            async let word = neighbour.nextText()
            let frozen = try await node.raw("a")
            try await frozen.socket.pauseReading()
            try await counted(node, #"fanfare_disconnects_total{code="3012"}"#, 1)
            try await counted(node, "fanfare_connections", 1)
            try await node.publish("n", "1")
            #expect(try await word == "1")
            try await counted(node, "fanfare_queue_bytes", 0)
            for client in [frozen, neighbour] { await client.close() }
        }
    }

    @Test("a message into a channel where nobody may publish ends with 3507")
    func forbidden() async throws {
        try await withNeighbour(["--namespaces", "news: publish=nobody"]) { node in
            let client = try await node.raw("news:1")
            try await client.send("x")
            let code = try await client.closeCode()
            #expect(code == 3_507)
            await client.close()
        }
    }

    @Test("connections that are reset at once, within a request or after the upgrade leave nothing behind")
    func resets() async throws {
        try await withNeighbour([]) { node in
            for _ in 0..<20 {
                let silent = try await SocketClient.connect(node.port)
                await silent.reset()
                let half = try await SocketClient.connect(node.port)
                try await half.send("GET /channels/a/ws HTTP/1.1\r\nHost: a\r\n")
                await half.reset()
                let upgraded = try await node.raw("a")
                await upgraded.socket.reset()
            }
            try await counted(node, #"fanfare_disconnects_total{code="1006"}"#, 20)
        }
    }
}
