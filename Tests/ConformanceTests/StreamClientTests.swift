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
                "http://127.0.0.1:\(cluster.nodes[1].adminPort)", pids[0], pids[1], within: .seconds(120))
            #expect(log.contains("nothing lost, repeated or reordered"), "\(log)")
        }
    }

    @Test("Chromium's EventSource and fetch through nginx, while nodes are killed, all at last, and drained")
    func browser() async throws {
        try await withCluster(nodes: 2, flags: Self.flags) { cluster in
            let nodes = cluster.nodes.map { node in
                [
                    "name": node.name, "admin": "http://127.0.0.1:\(node.adminPort)", "pid": Int(node.pid),
                    "command": node.command,
                ] as [String: Any]
            }
            let stage: [String: Any] = [
                "nginx": "http://127.0.0.1:\(cluster.port)", "channel": "chat:web", "nodes": nodes,
            ]
            let plan = String(decoding: try JSONSerialization.data(withJSONObject: stage), as: UTF8.self)
            let log = try await run("eventsource_check.py", plan, within: .seconds(240))
            #expect(log.contains("ok a refusal for good ends it"), "\(log)")
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
            let nodes = cluster.nodes.map { node in
                [
                    "name": node.name, "admin": "http://127.0.0.1:\(node.adminPort)", "pid": Int(node.pid),
                ] as [String: Any]
            }
            let stage: [String: Any] = [
                "nginx": "http://127.0.0.1:\(cluster.port)", "channel": "chat:emulated", "nodes": nodes,
            ]
            let plan = String(decoding: try JSONSerialization.data(withJSONObject: stage), as: UTF8.self)
            let log = try await run("emulation_check.py", plan, within: .seconds(240))
            #expect(log.contains("ok a drain is told with its code"), "\(log)")
        }
    }

    @Test("curl, as README and docs/protocol.md have it")
    func curl() async throws {
        let commands = try ["README.md", "docs/protocol.md"].flatMap { file in
            try String(contentsOfFile: Repository.path + "/" + file, encoding: .utf8).split(separator: "\n")
                .filter { $0.hasPrefix("curl ") && $0.contains("/channels/") }.map(String.init)
        }
        let reading = commands.filter { $0.contains("curl -N") }
        let publishing = commands.filter { !$0.contains("curl -N") }
        #expect(reading.count >= 3 && !publishing.isEmpty)
        try await withNode { node in
            func start(_ command: String) throws -> ChildProcess {
                let here = command.replacing(/(localhost|127\.0\.0\.1):8080/, with: "127.0.0.1:\(node.port)")
                return try ChildProcess("bash", ["-c", "exec \(here)"], environment: ["no_proxy": "*"], name: "curl")
            }
            let readers = try reading.map(start)
            try await eventually("all of them read") {
                try await node.metric("fanfare_connections") == Double(readers.count)
            }
            for command in publishing { #expect(try await start(command).waitForExit() == 0, "\(command)") }
            for reader in readers {
                try await eventually("it has heard: \(reader.log)") {
                    reader.log.contains("data: hello\n") || reader.log.contains(#"{"data":"hello"}"#)
                }
                await reader.stop()
            }
        }
    }
}
