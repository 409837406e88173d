import FanfareTestKit
import Foundation
import NIOCore
import Testing

extension TLSNode {
    /// A client of HTTP/2 that sends what it is told.
    func http2(settings: [UInt8] = [], receiveBuffer: Int? = nil) async throws -> HTTP2Socket {
        try await HTTP2Socket.connect(
            node.port, tls: TLSClient(caFile: authority.caFile, protocols: ["h2"]), settings: settings,
            receiveBuffer: receiveBuffer)
    }

    /// curl with HTTP/2, and what it printed.
    func curl(_ path: String, _ arguments: [String] = []) throws -> ChildProcess {
        try ChildProcess(
            "curl",
            ["-sS", "--http2", "--cacert", authority.caFile] + arguments + ["https://localhost:\(node.port)\(path)"],
            environment: ["no_proxy": "*"], name: "curl")
    }

    func counted(_ metric: String, _ value: Double) async throws {
        try await eventually("\(metric) is \(value)") { try await node.metric(metric) == value }
    }
}

@Suite("Cluster: HTTP/2")
struct HTTP2Tests {
    @Test("curl: the page, its head, a publish, a preflight, polls and errors over HTTP/2")
    func requests() async throws {
        try await withTLSNode(flags: ["--namespaces", "news: history=10/1m; *:"]) { server in
            func curl(_ path: String, _ arguments: String...) async throws -> String {
                let curl = try server.curl(path, arguments)
                #expect(try await curl.waitForExit() == 0, "\(curl.log)")
                return curl.log
            }
            let page = try await curl("/", "-o", "/dev/null", "-w", "%{http_version} %{http_code} %{content_type}")
            #expect(page == "2 200 text/html; charset=utf-8")
            let head = try await curl("/", "-I")
            #expect(
                head.hasPrefix("HTTP/2 200") && head.contains("fanfare-node: node") && !head.contains("connection:"))
            let listener = try await server.raw("a")
            #expect(try await curl("/channels/a", "-d", "hello").contains(#"{"result":{}}"#))
            #expect(try await listener.nextText() == "hello")
            let big = String(repeating: "x", count: 60_000)
            #expect(try await curl("/channels/a", "-d", big).contains(#"{"result":{}}"#))
            #expect(try await listener.nextText() == big)
            // Whether it got rid of all of its body by then is nobody's promise.
            let tooBig = try server.curl("/channels/a", ["-d", big + big, "-w", "%{http_code}"])
            _ = try await tooBig.waitForExit()
            #expect(tooBig.log.contains("413"), "\(tooBig.log)")
            let preflight = try await curl(
                "/channels/a", "-X", "OPTIONS", "-i", "-H", "Origin: https://example.com", "-H",
                "Access-Control-Request-Method: POST")
            #expect(
                preflight.hasPrefix("HTTP/2 204") && preflight.contains("access-control-allow-methods: POST"))
            let none = try await curl("/channels/news:1/poll?wait=0", "-i")
            #expect(none.hasPrefix("HTTP/2 204") && none.contains("fanfare-position: 0."), "\(none)")
            _ = try await curl("/channels/news:1", "-d", "1")
            let one = try await curl("/channels/news:1/poll?last=1", "-i")
            #expect(one.hasPrefix("HTTP/2 200") && one.contains(#""data":1}"#) && !one.contains("transfer-encoding"))
            let plain = try await curl("/channels/news:1/poll?last=1&wait=0", "-i")
            #expect(plain.hasPrefix("HTTP/2 200") && plain.contains(#"etag: W/""#), "\(plain)")
            for (path, code) in [("/nothing", "404"), ("/channels/a%20b/sse", "400"), ("/channels/a/ws", "426")] {
                #expect(try await curl(path, "-o", "/dev/null", "-w", "%{http_version} %{http_code}") == "2 \(code)")
            }
            await listener.close()
            try await server.counted("fanfare_http2_connections", 0)
        }
    }

    @Test("curl -N: an event stream and lines over HTTP/2 hear what is published, and the end when the node drains")
    func streams() async throws {
        try await withTLSNode(flags: ["--namespaces", "news: history=10/1m; *:"]) { server in
            let readers = try ["sse", "stream"].map { try server.curl("/channels/news:1/\($0)", ["-N", "-i"]) }
            try await server.counted("fanfare_connections", 2)
            try await server.node.publish("news:1", "\"hello\"")
            for (reader, text) in zip(readers, ["data: \"hello\"\n", #""data":"hello"}"#]) {
                try await eventually("it has heard: \(reader.log)") { reader.log.contains(text) }
                #expect(reader.log.hasPrefix("HTTP/2 200"))
            }
            server.node.terminate()
            for reader in readers {
                #expect(try await reader.waitForExit() == 0, "\(reader.log)")
                #expect(reader.log.contains(#"{"code":1012,"#), "\(reader.log)")
            }
            #expect(try await server.node.waitForExit() == 0)
        }
    }

    @Test("--http2 off: the same client gets the same over HTTP/1.1")
    func off() async throws {
        try await withTLSNode(flags: ["--http2", "off"]) { server in
            let curl = try server.curl("/", ["-o", "/dev/null", "-w", "%{http_version} %{http_code}"])
            #expect(try await curl.waitForExit() == 0 && curl.log == "1.1 200", "\(curl.log)")
            let client = try? await server.http2()
            try await eventually("who speaks HTTP/2 all the same is refused") {
                try await server.refusals("bad_request") == 1
            }
            await client?.close()
        }
    }

    @Test("h2load: thousands of requests on a few connections, all answered")
    func load() async throws {
        try await withTLSNode { server in
            let load = try ChildProcess(
                "h2load",
                ["-n", "4000", "-c", "4", "-m", "50", "https://127.0.0.1:\(server.node.port)/channels/a/poll?wait=0"],
                name: "h2load")
            #expect(try await load.waitForExit() == 0)
            #expect(load.log.contains("4000 succeeded, 0 failed, 0 errored"), "\(load.log)")
            try await server.counted("fanfare_http2_streams_total", 4_000)
            try await server.counted("fanfare_http2_connections", 0)
            try await server.counted("fanfare_pending_connections", 0)
        }
    }

    @Test("a hundred streams on one connection are a hundred clients; each hears everything")
    func hundred() async throws {
        try await withTLSNode { server in
            let client = try await server.http2()
            let ids = (0..<100).map { UInt32($0 * 2 + 1) }
            try await client.send(ids.map { .request($0, "/channels/a/sse") })
            try await server.counted("fanfare_connections", 100)
            let sockets = try await server.node.metric("fanfare_http2_connections")
            let pending = try await server.node.metric("fanfare_pending_connections")
            #expect(sockets == 1 && pending == 0)
            for number in 0..<3 { try await server.node.publish("a", "\"number \(number)\"") }
            var heard: [UInt32: String] = [:]
            while !ids.allSatisfy({ heard[$0]?.contains("number 2") == true }) {
                let frame = try #require(try await client.next { $0.kind == .data })
                heard[frame.stream, default: ""] += String(decoding: frame.payload, as: UTF8.self)
            }
            for id in ids {
                let events = heard[id]?.split(separator: "\n").filter { $0.hasPrefix("data:") }
                #expect(events == (0..<3).map { "data: \"number \($0)\"" })
            }
            try await client.send(ids.prefix(40).map { .reset($0) })
            try await server.counted("fanfare_connections", 60)
            await client.close()
            try await server.counted("fanfare_connections", 0)
            try await server.counted("fanfare_subscriptions", 0)
            try await server.counted("fanfare_http2_connections", 0)
        }
    }

    @Test("streams count against the clients of their address, one by one")
    func places() async throws {
        try await withTLSNode(flags: ["--max-connections", "10"]) { server in
            let client = try await server.http2()
            try await client.send((0..<12).map { .request(UInt32($0 * 2 + 1), "/channels/a/stream") })
            try await server.counted("fanfare_connections", 10)
            try await server.counted(#"fanfare_connections_refused_total{reason="connection_limit"}"#, 2)
            // The refused ones ended, the others go on.
            try await client.send([.reset(1), .request(101, "/channels/a/stream")])
            try await server.counted("fanfare_connections_accepted_total", 11)
            await client.close()
            try await server.counted("fanfare_connections", 0)
        }
    }

    @Test("a stream whose window stays closed is a slow consumer; another on its connection hears all")
    func slow() async throws {
        let flags = ["--max-queue-bytes", "65536", "--close-timeout", "300ms"]
        try await withTLSNode(flags: flags) { server in
            let client = try await server.http2(settings: HTTP2TestFrame.setting(4, 0))
            try await client.send([.request(1, "/channels/a/stream"), .request(3, "/channels/a/stream")])
            try await client.send([.windowUpdate(3, 0x3FFF_FFFF), .windowUpdate(0, 0x3FFF_FFFF)])
            try await server.counted("fanfare_connections", 2)
            let text = "\"" + String(repeating: "x", count: 20_000) + "\""
            for _ in 0..<20 { try await server.node.publish("a", text) }
            try await server.counted(#"fanfare_disconnects_total{code="3008"}"#, 1)
            var bytes = 0
            var isReset = false
            while bytes < 20 * 20_000 || !isReset {
                let frame = try #require(try await client.next())
                if frame.kind == .data { bytes += frame.stream == 3 ? frame.payload.count : 0 }
                if frame.kind == .reset, frame.stream == 1 { isReset = true }
                #expect(frame.stream != 1 || frame.kind != .data, "its window was never opened")
            }
            try await server.counted("fanfare_connections", 1)
            try await server.counted("fanfare_queue_bytes", 0)
            await client.close()
        }
    }

    @Test("a drain says GOAWAY, ends each stream as elsewhere, and then the connection")
    func drain() async throws {
        try await withTLSNode { server in
            let client = try await server.http2()
            try await client.send([.request(1, "/channels/a/sse"), .request(3, "/channels/a/sse")])
            try await server.counted("fanfare_connections", 2)
            server.node.terminate()
            var (text, goAways, ends) = ("", 0, Set<UInt32>())
            while let frame = try await client.next() {
                switch frame.kind {
                case .goAway:
                    goAways += 1
                    #expect(frame.errorCode == 0)
                case .data:
                    text += String(decoding: frame.payload, as: UTF8.self)
                    if frame.flags & HTTP2TestFrame.endStream != 0 { ends.insert(frame.stream) }
                default: #expect(frame.kind != .reset)
                }
            }
            #expect(goAways > 0 && ends == [1, 3])
            #expect(text.components(separatedBy: #"event: disconnect"#).count == 3, "\(text)")
            #expect(client.socket.endedCleanly)
            #expect(try await server.node.waitForExit() == 0)
        }
    }
}
