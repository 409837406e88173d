import FanfareTestKit
import Foundation
import Testing

/// Streams through a real nginx with the files of this repository.
@Suite("Cluster: streams through nginx", .serialized)
struct NginxStreamTests {
    private func stream(_ port: Int, _ path: String, _ headers: [String: String] = [:]) async throws -> StreamClient {
        try await StreamClient.connect(port, path, headers: headers)
    }

    @Test("events and lines pass at once and as they are, by HTTP/1.1 and 1.0, encoded channel names, too")
    func passes() async throws {
        try await withCluster(nodes: 1, flags: ["--namespaces", "chat: history=5/1m"]) { cluster in
            let node = cluster.nodes[0]
            let events = try await stream(cluster.port, "/channels/chat:a%2Fb%3F/sse")
            let lines = try await stream(cluster.port, "/channels/chat:a%2Fb%3F/stream", ["Accept": "*/*"])
            let old = try await StreamClient.connect(cluster.port, "/channels/chat:a%2Fb%3F/sse", version: "1.0")
            for client in [events, lines, old] {
                #expect(client.answer.status == 200 && client.node == "node-1")
                #expect(client.answer["fanfare-position"]?.hasPrefix("0.") == true)
                #expect(client.answer["set-cookie"]?.hasPrefix("fanfare_route=") == true)
            }
            #expect(old.chunks == nil)
            for client in [events, old] { #expect(try await client.next()?.type == "position") }
            #expect(try await lines.nextLine()?.contains("position") == true)
            for number in 0..<20 {
                try await node.publish("chat:a/b?", "\(number)")
                for client in [events, old] { #expect(try await client.nextText() == "\(number)") }
                #expect(try await lines.nextLine()?.hasSuffix("\"data\":\(number)}") == true)
            }
            let again = try await stream(
                cluster.port, "/channels/chat:a%2Fb%3F/sse", ["Last-Event-ID": events.lastEventID])
            #expect(try await again.next()?.type == "position")
            try await node.publish("chat:a/b?", "20")
            #expect(try await again.nextText() == "20")
            for client in [events, lines, old, again] { await client.close() }
        }
    }

    @Test("pings keep a silent stream open beyond the read timeout, without them it is cut")
    func readTimeout() async throws {
        for (flags, isKept) in [
            (["--ping-interval", "3s", "--pong-timeout", "2s"], true), (["--ping-interval", "off"], false),
        ] {
            try await withNode(flags: flags) { node in
                try await withNginx(ports: [node.port], changes: Nginx.Change.readTimeout("10s")) { nginx in
                    let events = try await stream(nginx.port, "/channels/a/sse")
                    #expect(events.node == "node")
                    if isKept {
                        try await events.read { $0.pings >= 5 }
                        try await node.publish("a", "1")
                        #expect(try await events.nextText() == "1")
                    } else {
                        try await events.readToEnd()
                        #expect(events.chunks?.hasEnded == false, "as a connection that broke: a browser comes back")
                    }
                    await events.close()
                }
            }
        }
    }

    @Test("where no node answers an EventSource is told to come back, others get 502")
    func nobody() async throws {
        let port = FreePort.take()
        try await withNginx(ports: [port]) { nginx in
            let page = ["Origin": "https://page.example"]
            for path in ["/channels/a/sse", "/channels/a%2Fb/sse?token=x", "/connection/later"] {
                let client = try await stream(nginx.port, path, page)
                #expect(client.answer["access-control-allow-origin"] == "https://page.example")
                #expect(client.answer["access-control-allow-credentials"] == "true")
                #expect(client.answer["set-cookie"]?.hasPrefix("fanfare_route=") == true)
                try await client.expectRetry()
                for accept in ["*/*", "application/json, text/event-stream", "text/event-stream, */*"] {
                    let other = try await stream(nginx.port, path, ["Accept": accept])
                    #expect(other.answer.status == 502 && other.answer["access-control-allow-origin"] == nil)
                    await other.close()
                }
            }
            let sent = try await HTTP.post(nginx.port, "/channels/a", "x", headers: ["Accept": "text/event-stream"])
            #expect(sent.status == 502, "a publish that was not taken is an error, whatever it accepts")
            let node = try await Node.start(port: port)
            let events = try await stream(nginx.port, "/channels/a/sse")
            #expect(events.answer.status == 200 && events.node == "node")
            try await node.publish("a", "1")
            #expect(try await events.nextText() == "1")
            // Not waited for, though the node says so: it is an error as such.
            #expect(try await stream(nginx.port, "/channels/%FF/sse").answer.status == 400)
            await events.close()
            await node.stop()
        }
    }

    @Test("a full node is passed over; when all are full an EventSource is told to come back, others get 503")
    func full() async throws {
        try await withCluster(nodes: 2, flags: ["--max-connections", "3"]) { cluster in
            var clients: [StreamClient] = []
            for _ in 0..<6 {
                // One route: its own node first, then the other.
                let client = try await stream(cluster.port, "/channels/a/sse?route=one")
                #expect(client.answer.status == 200 && !client.node.isEmpty, "\(client.answer.body)")
                clients.append(client)
            }
            for node in cluster.nodes {
                try await eventually("\(node.name) is full") { try await node.metric("fanfare_connections") == 3 }
            }
            try await stream(cluster.port, "/channels/a/sse?route=one").expectRetry()
            let other = try await stream(cluster.port, "/channels/a/sse?route=one", ["Accept": "*/*"])
            #expect(other.answer.status == 503 && other.answer["retry-after"] != nil && !other.node.isEmpty)
            await other.close()
            try await cluster.nodes[0].publish("a", "1")
            for client in clients {
                #expect(try await client.nextText() == "1")
                await client.close()
            }
            try await eventually("there is a place") {
                let client = try await stream(cluster.port, "/channels/a/sse?route=one")
                await client.close()
                return !client.node.isEmpty
            }
        }
    }

    @Test("a node that drains ends its streams whole, and who comes back is on another node")
    func drain() async throws {
        try await withCluster(nodes: 2, flags: ["--drain", "1s"]) { cluster in
            let first = try await stream(cluster.port, "/channels/a/sse?route=one")
            let node = try #require(cluster.nodes.first { $0.name == first.node })
            node.terminate()
            #expect(try await first.next()?.type == "disconnect")
            // nginx keeps the connection for another request.
            try await first.read { $0.chunks?.hasEnded == true }
            #expect(first.chunks?.problem == nil && first.reconnectionTime != nil)
            let second = try await stream(cluster.port, "/channels/a/sse?route=one")
            #expect(!second.node.isEmpty && second.node != node.name)
            for client in [first, second] { await client.close() }
        }
    }

    @Test("over HTTP/2 a browser's worth of streams is one connection to nginx")
    func http2() async throws {
        let folder = NSTemporaryDirectory() + "fanfare-local-ca-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tool = try ChildProcess(Repository.path + "/Deploy/local-ca", [folder], name: "local-ca")
        #expect(try await tool.waitForExit() == 0, "\(tool.log)")
        let flags = ["--tls-certificate", folder + "/localhost.crt", "--tls-key", folder + "/localhost.key"]
        try await withNode("node-1", flags: flags + ["--ping-interval", "off"]) { node in
            try await withNginx(ports: [node.port], tlsFolder: folder) { nginx in
                // What a connection of nginx has room for is 128.
                let count = 100
                let arguments = [
                    "-sN", "--http2", "--noproxy", "*", "--cacert", folder + "/ca.crt", "--parallel", "--parallel-max",
                    "\(count)",
                    "-w", #"\nconnects=%{num_connects} version=%{http_version}\n"#,
                ]
                let urls = (0..<count).map { "https://localhost:\(nginx.port)/channels/a/sse?n=\($0)" }
                let curl = try ChildProcess("curl", arguments + urls, name: "curl")
                try await eventually("all listen") { try await node.metric("fanfare_connections") == Double(count) }
                try await node.publish("a", #""hello""#)
                try await eventually("all hear") {
                    curl.log.components(separatedBy: #"data: "hello""#).count == count + 1
                }
                node.terminate()
                #expect(try await curl.waitForExit() == 0)
                try await eventually("curl has said how") {
                    curl.log.components(separatedBy: " version=2\n").count == count + 1
                }
                #expect(curl.log.components(separatedBy: "event: disconnect").count == count + 1)
                #expect(curl.log.components(separatedBy: "connects=1 ").count == 2)
            }
        }
    }
}
