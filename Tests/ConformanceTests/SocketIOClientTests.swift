import FanfareTestKit
import Testing

/// Clients of Socket.IO that others wrote, as they are, against real nodes.
@Suite("Third-party clients of Socket.IO", .serialized)
struct SocketIOClientTests {
    private static let flags = ["--namespaces", "chat: history=1000/10m recovery presence; *: publish=clients"]

    @Test("python-socketio through nginx: a WebSocket, polling, from one to the other, namespaces, bytes")
    func python() async throws {
        try await withCluster(nodes: 2, flags: Self.flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 2 }
            }
            let log = try await run(
                "socketio_check.py", "http://127.0.0.1:\(cluster.port)",
                "http://127.0.0.1:\(cluster.nodes[1].adminPort)", within: .seconds(240))
            #expect(log.contains("ok all of it"), "\(log)")
        }
    }

    @Test(
        "the official JavaScript client in Chromium through nginx: its node is killed under it, and it recovers on another"
    )
    func browser() async throws {
        try await withCluster(nodes: 2, flags: Self.flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 2 }
            }
            let plan = try browserPlan(
                nginx: "http://127.0.0.1:\(cluster.port)", channel: "chat:web", nodes: cluster.nodes)
            let log = try await run("socketio_browser_check.py", plan, within: .seconds(300))
            #expect(log.contains("ok all of it"), "\(log)")
        }
    }
}
