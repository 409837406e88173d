import FanfareTestKit
import Testing

/// Clients of STOMP that others wrote, as they are, against real nodes.
@Suite("Third-party clients of STOMP", .serialized)
struct STOMPClientTests {
    @Test("stomp.py on a WebSocket through nginx, on two nodes: receipts, headers, order, since, errors")
    func python() async throws {
        let flags = ["--namespaces", "chat: history=1000/10m recovery; room: presence; *: publish=clients"]
        try await withCluster(nodes: 2, flags: flags) { cluster in
            let log = try await run(
                "stomp_check.py", "127.0.0.1", "\(cluster.port)", "http://127.0.0.1:\(cluster.nodes[1].adminPort)",
                within: .seconds(300))
            #expect(log.contains("ok all of it"), "\(log)")
        }
    }
}
