import FanfareTestKit
import Testing

/// Clients of GraphQL that others wrote, as they are, against real nodes.
@Suite("Third-party clients of GraphQL", .serialized)
struct GraphQLClientTests {
    private static let secret = "a-secret-of-at-least-thirty-two-bytes"

    @Test(
        "gql on a WebSocket in both subprotocols and by requests, through nginx, on two nodes: schema, order, since, errors, tokens"
    )
    func python() async throws {
        let flags = [
            "--namespaces", "chat: history=1000/10m recovery read-history=clients; *: publish=clients",
            "--token-hmac-secret", Self.secret, "--anonymous", "publish",
        ]
        try await withCluster(nodes: 2, flags: flags) { cluster in
            let log = try await run(
                "graphql_check.py", "ws://127.0.0.1:\(cluster.port)/graphql", Self.secret, within: .seconds(300))
            #expect(log.contains("ok all of it"), "\(log)")
        }
    }
}
