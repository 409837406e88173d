import FanfareTestKit
import Testing

/// The admin port has connections of its own, and whoever opens too many takes them from itself.
@Suite("Cluster: connections of the admin port", .serialized)
struct AdminConnectionTests {
    private func isHealthy(_ node: Node) async throws {
        let process = try ChildProcess(
            FanfareBinary.path, ["health", "--admin-port", "\(node.adminPort)"], environment: [:], name: "health")
        let status = try await process.waitForExit()
        #expect(status == 0, "\(process.log)")
    }

    @Test("1,024 idle sockets on the admin port hold up neither a health check nor a scrape nor the API")
    func idle() async throws {
        try await withNode { node in
            let clients = try await node.raw("a")
            var sockets: [SocketClient] = []
            for _ in 0..<1_024 { sockets.append(try await SocketClient.connect(node.adminPort)) }
            try await isHealthy(node)
            #expect(try await node.metric("fanfare_admin_connections") <= 260)
            #expect(try await node.metric("fanfare_admin_evictions_total") >= 768)
            #expect(try await node.publish("a", #""still""#).status == 200)
            #expect(try await clients.nextText() == #""still""#)
            try await eventually("the others are closed") { sockets.filter(\.isClosed).count >= 768 }
            #expect(!sockets[1_000].isClosed && sockets[0].isClosed)
            #expect(node.log.contains("the admin port is full"))
            for socket in sockets { await socket.close() }
            try await eventually("they are not counted any more") {
                try await node.metric("fanfare_admin_connections") <= 2
            }
        }
    }

    @Test("a scraper that keeps its connection stays while another address floods the port")
    func otherAddress() async throws {
        try await withNode(flags: ["--max-admin-connections", "8"]) { node in
            let scraper = try await SocketClient.connect(node.adminPort)
            var sockets: [SocketClient] = []
            for round in 0..<3 {
                try await scraper.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try await scraper.receive("metrics") { HTTPAnswer.parse(&$0) }
                #expect(answer?.status == 200, "round \(round)")
                for _ in 0..<30 {
                    sockets.append(try await SocketClient.connect(node.adminPort, from: "127.0.0.7"))
                    // Half a request does not make a connection a busy one.
                    try? await sockets.last?.send(
                        "POST /api/publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
                }
            }
            #expect(!scraper.isClosed)
            try await eventually("the others are closed") { sockets.filter(\.isClosed).count >= 82 }
        }
    }
}
