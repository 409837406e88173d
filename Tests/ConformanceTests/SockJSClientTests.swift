import FanfareTestKit
import Foundation
import Testing

/// sockjs-client, as it is, on each of its transports.
@Suite("sockjs-client", .serialized)
struct SockJSClientTests {
    @Test(
        "in Node, over nodes without stickiness, each transport held to: all messages, once and in order",
        arguments: ["websocket", "xhr-streaming", "xhr-polling", "eventsource"])
    func inNode(transport: String) async throws {
        try await withCluster(nodes: 3, flags: ["--max-publish-rate", "0", "--max-message-rate", "0"]) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 3 }
            }
            let script = Repository.path + "/Tests/ConformanceTests/sockjs_check.js"
            let check = try ChildProcess(
                "/usr/bin/env",
                ["node", script, "http://127.0.0.1:\(cluster.port)/sockjs/channels/chat", transport, "500"],
                environment: ["NODE_PATH": "/usr/share/nodejs"], name: "sockjs_check.js")
            let status = try await check.waitForExit(within: .seconds(240))
            #expect(status == 0 && check.log.contains("ok \(transport): 500 messages"), "\(check.log)")
        }
    }

    @Test("in Chromium, on a page of another origin through nginx, each transport held to, those in frames too")
    func inBrowser() async throws {
        let port = FreePort.take()
        let flags = [
            "--allowed-origins", "same-host,http://127.0.0.1:\(port)", "--sockjs-client-url",
            "http://127.0.0.1:\(port)/sockjs.js",
        ]
        try await withCluster(nodes: 2, flags: flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 2 }
            }
            let log = try await run(
                "sockjs_check.py", "http://127.0.0.1:\(cluster.port)/sockjs/channels/chat", "\(port)",
                within: .seconds(300))
            #expect(log.contains("ok all transports"), "\(log)")
        }
    }
}
