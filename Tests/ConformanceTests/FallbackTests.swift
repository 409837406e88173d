import FanfareTestKit
import Testing

/// Clients behind a proxy that lets no WebSocket through.
@Suite("Fallback of third-party clients", .serialized)
struct FallbackTests {
    @Test(
        "the official clients of Socket.IO and SockJS in Chromium go on over plain HTTP, and hear all once and in order",
        .timeLimit(.minutes(10)))
    func browser() async throws {
        try await withCluster(nodes: 2) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 2 }
            }
            try await withNginx(ports: cluster.nodes.map(\.port), changes: Nginx.Change.noUpgrades) { nginx in
                let log = try await run(
                    "fallback_check.py", "http://127.0.0.1:\(nginx.port)", within: .seconds(240))
                #expect(log.contains("ok all of it"), "\(log)")
            }
        }
    }
}
