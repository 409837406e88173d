import FanfareTestKit
import Testing

/// What a backend does with clients: Centrifugo's library for backends on one side, its SDK on the other, both as they are.
@Suite("Third-party clients: commands of backends", .serialized)
struct CommandClientTests {
    @Test(
        "a user's clients on three nodes are subscribed, unsubscribed, refreshed and disconnected through any of them",
        arguments: ["--json", "--protobuf"])
    func commands(encoding: String) async throws {
        let secret = "a-secret-of-the-tests-and-of-nobody-else"
        let flags = [
            "--token-hmac-secret", secret, "--namespaces", "kept: history=100/10m recovery", "--token-leeway", "0",
            "--expired-grace", "0s",
        ]
        try await withNodes(3, flags) { cluster in
            let urls = cluster.nodes.map { "ws://127.0.0.1:\($0.port)/connection/websocket" }
            let log = try await run(
                "command_check.py", urls.joined(separator: ","), "http://127.0.0.1:\(cluster.nodes[2].adminPort)/api",
                secret, encoding, within: .seconds(240))
            #expect(log.contains("ok all"), "\(log)")
        }
    }

    @Test("a session in Protobuf over plain HTTP, with Google's reader and no client of ours")
    func protobufOverHTTP() async throws {
        let flags = ["--namespaces", "kept: history=100/10m recovery", "--ping-interval", "3s", "--pong-timeout", "2s"]
        try await withNodes(2, flags) { cluster in
            let log = try await run(
                "emulation_protobuf_check.py", "\(cluster.nodes[0].port)", "\(cluster.nodes[1].port)",
                "http://127.0.0.1:\(cluster.nodes[0].adminPort)/api", within: .seconds(240))
            #expect(log.contains("ok all"), "\(log)")
        }
    }

    /// Nodes that see each other.
    private func withNodes(_ count: Int, _ flags: [String], _ body: (Cluster) async throws -> Void) async throws {
        try await withCluster(nodes: count, flags: flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all, and is sure of it") {
                    guard try await node.metric("fanfare_nodes") == Double(count) else { return false }
                    return try await HTTP.post(node.adminPort, "/api/disconnect", #"{"user":"nobody"}"#).status == 200
                }
            }
            try await body(cluster)
        }
    }
}
