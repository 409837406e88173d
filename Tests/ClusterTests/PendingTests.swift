import FanfareTestKit
import Testing

/// Sockets that say nothing may take neither the turn of those that do nor, from one address, all of the places.
@Suite("Cluster: sockets without a session", .serialized)
struct PendingTests {
    private func silent(_ node: Node, _ count: Int, from address: String? = nil) async throws -> [SocketClient] {
        var sockets: [SocketClient] = []
        for _ in 0..<count { sockets.append(try await SocketClient.connect(node.port, from: address)) }
        return sockets
    }

    private func refusals(_ node: Node, _ reason: String) async throws -> Double {
        try await node.metric("fanfare_connections_refused_total{reason=\"\(reason)\"}")
    }

    /// A whole request that has to be answered, and an upgrade.
    private func isServed(_ node: Node, from address: String? = nil) async throws {
        let client = try await SocketClient.connect(node.port, from: address)
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
        #expect(answer?.status == 200)
        await client.close()
        let socket = try await WebSocketClient.connect(node.port, "/channels/a/ws", from: address)
        try await socket.send("here")
        #expect(try await socket.nextText() == "here")
        await socket.close()
    }

    @Test("while one address holds 70 silent sockets, a client from another gets its answer, and one of the same, too")
    func oneAddress() async throws {
        let flags = ["--max-pending-connections", "64", "--trusted-proxies", "none", "--handshake-timeout", "30s"]
        try await withNode(flags: flags) { node in
            let sockets = try await silent(node, 70, from: "127.0.0.9")
            try await eventually("it holds its share") { sockets.filter(\.isClosed).count == 54 }
            #expect(try await refusals(node, "pending_address_limit") == 54)
            #expect(try await node.metric("fanfare_pending_connections") == 16)
            try await isServed(node)
            #expect(sockets.filter(\.isClosed).count == 54, "nobody had to go for it")
            #expect(node.log.contains("has its share of the sockets without a session"))
            for socket in sockets { await socket.reset() }
            try await eventually("its share comes back") { try await node.metric("fanfare_pending_connections") == 0 }
            try await isServed(node, from: "127.0.0.9")
        }
    }

    @Test("when many addresses, or a trusted proxy, hold all places, the oldest that say nothing give way")
    func manyAddresses() async throws {
        for trusted in ["none", "loopback"] {
            let flags = ["--max-pending-connections", "64", "--trusted-proxies", trusted, "--handshake-timeout", "30s"]
            try await withNode(flags: flags) { node in
                var sockets: [SocketClient] = []
                for number in 2..<9 {
                    sockets += try await silent(node, 12, from: trusted == "none" ? "127.0.0.\(number)" : nil)
                }
                try await eventually("all places are taken") {
                    try await node.metric("fanfare_pending_connections") == 64
                }
                for _ in 0..<5 { try await isServed(node) }
                #expect(try await refusals(node, "pending_limit") >= 20)
                #expect(try await node.metric("fanfare_pending_connections") <= 64)
                #expect(sockets[0].isClosed && !sockets[83].isClosed)
                for socket in sockets { await socket.reset() }
            }
        }
    }

    @Test("a request of which a part has come is told why it has to go; one that was kept for another is not counted")
    func others() async throws {
        let flags = ["--max-pending-connections", "2", "--loops", "1", "--handshake-timeout", "30s"]
        try await withNode(flags: flags) { node in
            let kept = try await SocketClient.connect(node.port)
            try await kept.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await kept.receive("an answer") { HTTPAnswer.parse(&$0) }?.status == 200)
            let half = try await SocketClient.connect(node.port)
            try await half.send("POST /channels/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
            try await eventually("both are there") { try await node.metric("fanfare_pending_connections") == 2 }
            let third = try await silent(node, 1)
            try await eventually("the kept one gives way") { kept.isClosed }
            #expect(try await refusals(node, "pending_limit") == 0)
            let fourth = try await silent(node, 1)
            let answer = try await half.receive("an answer") { HTTPAnswer.parse(&$0) }
            #expect(answer?.status == 503 && answer?["retry-after"] != nil)
            try await eventually("it is ended") { half.isClosed }
            #expect(try await refusals(node, "pending_limit") == 1)
            #expect(!third[0].isClosed && !fourth[0].isClosed)
        }
    }

    @Test("behind the PROXY protocol the share is that of the client, not of the proxy")
    func proxyProtocol() async throws {
        let flags = [
            "--max-pending-connections", "64", "--client-address", "proxy-protocol", "--loops", "1",
            "--handshake-timeout", "60s",
        ]
        try await withNode(flags: flags) { node in
            var sockets: [SocketClient] = []
            for number in 0..<20 {
                let socket = try await SocketClient.connect(node.port)
                try await socket.send("PROXY TCP4 192.0.2.1 192.0.2.9 \(1_000 + number) 80\r\n")
                sockets.append(socket)
            }
            try await eventually("it has its share") { sockets.filter(\.isClosed).count == 4 }
            #expect(try await refusals(node, "pending_address_limit") == 4)
            let other = try await SocketClient.connect(node.port)
            try await other.send("PROXY TCP4 192.0.2.2 192.0.2.9 1 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await other.receive("an answer") { HTTPAnswer.parse(&$0) }?.status == 200)
        }
    }
}
