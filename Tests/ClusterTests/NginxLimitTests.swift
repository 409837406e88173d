import FanfareTestKit
import Testing

/// Where nginx itself has no room: an EventSource ends for good with any status but 200, so it has to hear of that with one.
@Suite("Cluster: limits of nginx", .serialized)
struct NginxLimitTests {
    private static let streams = [
        "/channels/a/sse", "/channels/a%2Fb/sse?token=x", "/connection/uni_sse?cf_connect=%7B%7D",
    ]

    /// What others get, who take any status.
    private func expect(_ status: Int, at port: Int, retryAfter: String?) async throws {
        for path in ["/channels/a/sse", "/channels/a/stream", "/channels/a/poll?wait=0"] {
            let other = try await StreamClient.connect(port, path, headers: ["Accept": "*/*"])
            #expect(other.answer.status == status && other.answer["retry-after"] == retryAfter, "\(path)")
            await other.close()
        }
        do {
            let socket = try await WebSocketClient.connect(port, "/channels/a/ws")
            Issue.record("there was a place")
            await socket.close()
        } catch let refused as WebSocketClient.Refused {
            #expect(refused.answer.status == status && refused.answer["retry-after"] == retryAfter)
        }
        let sent = try await HTTP.post(port, "/channels/a", "x", headers: ["Accept": "text/event-stream"])
        #expect(sent.status == status, "a publish that was not taken is an error, whatever it accepts")
    }

    @Test(
        "an address with too many connections: its EventSources are told to come back, others get 429 with Retry-After")
    func addresses() async throws {
        try await withNode { node in
            try await withNginx(ports: [node.port], changes: Nginx.Change.connectionsPerAddress(2)) { nginx in
                let first = try await StreamClient.connect(nginx.port, "/channels/a/sse")
                let second = try await StreamClient.connect(nginx.port, "/channels/a/sse")
                for client in [first, second] { #expect(client.answer.status == 200 && client.node == "node") }
                for path in Self.streams {
                    let refused = try await StreamClient.connect(
                        nginx.port, path, headers: ["Origin": "https://page.example", "Last-Event-ID": "1.x"])
                    #expect(refused.answer["access-control-allow-origin"] == "https://page.example")
                    try await refused.expectRetry()
                }
                try await expect(429, at: nginx.port, retryAfter: "10")
                try await node.publish("a", "1")
                for client in [first, second] { #expect(try await client.nextText() == "1") }
                await first.close()
                try await eventually("there is a place") {
                    let client = try await StreamClient.connect(nginx.port, "/channels/a/sse")
                    await client.close()
                    return client.node == "node"
                }
                await second.close()
            }
        }
    }

    /// Opens streams until one is not a node's, or nginx takes no more.
    private func crowd(_ port: Int) async throws -> (clients: [StreamClient], refused: StreamClient?) {
        var clients: [StreamClient] = []
        while clients.count < 20 {
            guard let client = try? await StreamClient.connect(port, "/channels/a/sse") else { break }
            guard client.node == "node" else { return (clients, client) }
            clients.append(client)
        }
        return (clients, nil)
    }

    @Test("a worker without connections to nodes: an EventSource is told to come back, others get 500")
    func worker() async throws {
        try await withNode { node in
            var told = 0
            // A client takes two, and the worker has some itself: for one of these numbers a client gets the last one.
            for connections in [17, 18] {
                try await withNginx(ports: [node.port], changes: Nginx.Change.connections(connections)) { nginx in
                    let (clients, refused) = try await crowd(nginx.port)
                    #expect((1..<20).contains(clients.count))
                    if let refused {
                        told += 1
                        try await refused.expectRetry()
                        let other = try await StreamClient.connect(
                            nginx.port, "/channels/a/stream", headers: ["Accept": "*/*"])
                        #expect(other.answer.status == 500)
                        await other.close()
                    }
                    try await node.publish("a", "1")
                    for client in clients {
                        #expect(try await client.nextText() == "1")
                        await client.close()
                    }
                    try await eventually("there is a place") {
                        let client = try? await StreamClient.connect(nginx.port, "/channels/a/sse")
                        await client?.close()
                        return client?.node == "node"
                    }
                }
            }
            #expect(told >= 1)
        }
    }
}
