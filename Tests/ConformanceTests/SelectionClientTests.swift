import FanfareTestKit
import Testing

/// Deltas and filters with the official SDK, as it is.
@Suite("Third-party clients: deltas and filters")
struct SelectionClientTests {
    private static let encodings = ["--json", "--protobuf"]

    @Test(
        "the official SDK applies the deltas it is sent: live, after a recovery, and over a restart of the node",
        arguments: encodings)
    func deltas(encoding: String) async throws {
        let flags = [
            "--namespaces", "kept: history=100/10m recovery delta=fossil; live: delta=fossil; none: history=10/10m",
        ]
        try await withRedis { redis in
            let node = try await Node.start(redis: redis.url, flags: flags)
            let check = try start(
                "delta_check.py",
                [
                    "ws://127.0.0.1:\(node.port)/connection/websocket", "http://127.0.0.1:\(node.adminPort)/api",
                    encoding,
                ])
            try await eventually(within: .seconds(90), "it wants a restart\n\(check.log)") {
                check.log.contains("restart") || !check.isRunning
            }
            await node.stop()
            let next = try await Node.start(
                redis: redis.url, flags: flags, port: node.port, adminPort: node.adminPort)
            let status = try await check.waitForExit(within: .seconds(240))
            #expect(status == 0 && check.log.contains("ok deltas go on over a restart"), "\(check.log)")
            await next.stop()
        }
    }

    @Test("the official SDK's filters choose what it gets, and publications say who published", arguments: encodings)
    func filters(encoding: String) async throws {
        let flags = [
            "--namespaces",
            "ticks: history=100/10m recovery tags-filter; plain: history=10/10m; chat: publisher-info",
        ]
        try await withRedis { redis in
            try await withNode(redis: redis.url, flags: flags) { node in
                let log = try await run(
                    "filter_check.py", "ws://127.0.0.1:\(node.port)/connection/websocket",
                    "http://127.0.0.1:\(node.adminPort)/api", encoding, within: .seconds(240))
                #expect(log.contains("ok publications say who published"), "\(log)")
            }
        }
    }
}
