import FanfareTestKit
import Foundation
import Testing

/// Readers of streams that others wrote, as they are, against real nodes.
@Suite("Third-party readers of streams", .serialized)
struct StreamClientTests {
    private static let flags = ["--namespaces", "chat: history=1000/10m recovery; *: publish=clients"]

    @Test("httpx-sse through nginx: content, refusals, and its node killed under it")
    func httpx() async throws {
        try await withCluster(nodes: 2, flags: Self.flags) { cluster in
            // The one with the admin port stays.
            let pids = cluster.nodes.enumerated().map { "\($1.name)=\($0 == 1 ? 0 : $1.pid)" }
            let log = try await run(
                "sse_check.py", "http://127.0.0.1:\(cluster.port)", "chat:h",
                "http://127.0.0.1:\(cluster.nodes[1].adminPort)", pids[0], pids[1], within: .seconds(240))
            #expect(log.contains("nothing lost, repeated or reordered"), "\(log)")
        }
    }

    @Test("Chromium's EventSource and fetch through nginx, while nodes are killed, all at last, and drained")
    func browser() async throws {
        // Made anew by every run.
        let secret = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(separator: "s")
        let flags = Self.flags + ["--token-hmac-secret", secret, "--token-in-query"]
        try await withCluster(nodes: 2, flags: flags) { cluster in
            let plan = try browserPlan(
                nginx: "http://127.0.0.1:\(cluster.port)", channel: "chat:web", nodes: cluster.nodes, secret: secret)
            let log = try await run("eventsource_check.py", plan, within: .seconds(240))
            #expect(log.contains("ok a refusal for good ends it") && log.contains("ok and asked once"), "\(log)")
        }
    }

    @Test("Chromium's EventSource at an nginx that has no room for its address comes back until there is some")
    func crowded() async throws {
        try await withNode { node in
            try await withNginx(ports: [node.port], changes: Nginx.Change.connectionsPerAddress(3)) { nginx in
                let plan = try browserPlan(nginx: "http://127.0.0.1:\(nginx.port)", channel: "room", nodes: [node])
                let log = try await run("crowded_check.py", plan, within: .seconds(240))
                #expect(log.contains("ok each time it was told with an answer that is no error"), "\(log)")
            }
        }
    }

    @Test("twenty EventSources in five tabs of Chromium, over HTTP/2 through nginx, one node killed")
    func tabs() async throws {
        let folder = NSTemporaryDirectory() + "fanfare-local-ca-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tool = try ChildProcess(Repository.path + "/Deploy/local-ca", [folder], name: "local-ca")
        #expect(try await tool.waitForExit() == 0, "\(tool.log)")
        let tls = ["--tls-certificate", folder + "/localhost.crt", "--tls-key", folder + "/localhost.key"]
        try await withRedis { redis in
            try await withNode("node-1", redis: redis.url, flags: Self.flags + tls) { one in
                try await withNode("node-2", redis: redis.url, flags: Self.flags + tls) { two in
                    try await withNginx(ports: [one.port, two.port], tlsFolder: folder) { nginx in
                        let plan = try browserPlan(
                            nginx: "https://localhost:\(nginx.port)", channel: "chat:tabs", nodes: [one, two])
                        let log = try await run("tabs_check.py", plan, within: .seconds(240))
                        #expect(log.contains("ok all heard everything once, in order"), "\(log)")
                    }
                }
            }
        }
    }

    @Test(
        "a client in Chromium without a WebSocket: commands by requests without a route, over three nodes that are killed"
    )
    func emulation() async throws {
        let flags = [
            "--namespaces", "chat: history=1000/10m recovery presence", "--presence-ttl", "20s",
            "--ping-interval", "6s", "--pong-timeout", "5s",
        ]
        try await withCluster(nodes: 3, flags: flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 3 }
            }
            let plan = try browserPlan(
                nginx: "http://127.0.0.1:\(cluster.port)", channel: "chat:emulated", nodes: cluster.nodes)
            let log = try await run("emulation_check.py", plan, within: .seconds(240))
            #expect(log.contains("ok a drain is told with its code"), "\(log)")
        }
    }
}
