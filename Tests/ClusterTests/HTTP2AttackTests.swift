import FanfareTestKit
import NIOCore
import Testing

/// Clients of HTTP/2 that break it or wear the node out.
@Suite("Cluster: attacks over HTTP/2", .serialized)
struct HTTP2AttackTests {
    /// Runs `body` beside a neighbour that must hear its own message afterwards, and waits until nothing else is left.
    private func withNeighbour(_ flags: [String] = [], _ body: (TLSNode) async throws -> Void) async throws {
        try await withTLSNode(flags: flags) { server in
            let neighbour = try await server.raw("neighbour")
            try await body(server)
            try await neighbour.send("after")
            #expect(try await neighbour.nextText() == "after")
            for metric in ["fanfare_http2_connections", "fanfare_pending_connections", "fanfare_queue_bytes"] {
                try await server.counted(metric, 0)
            }
            try await server.counted("fanfare_connections", 1)
            await neighbour.close()
        }
    }

    /// Clients on this machine are the operator's own by default.
    private static let isUntrusted = ["--trusted-proxies", "none"]

    /// Sends frames until the node ends the connection, which it must do for what it got.
    private func isEnded(
        by frames: [HTTP2TestFrame], _ server: TLSNode, settings: [UInt8] = [], telling code: UInt32? = 11
    ) async throws {
        let before = try await server.refusals("http2")
        let client = try await server.http2(settings: settings)
        try? await client.send(frames)
        let goAway = try? await client.next { $0.kind == .goAway }
        // Where the node closed on unread bytes, the kernel may take its last words back.
        if let goAway, let code { #expect(goAway.errorCode == code) }
        try await eventually("the connection ends") { client.socket.isClosed }
        try await eventually("it is counted") { try await server.refusals("http2") == before + 1 }
        await client.close()
    }

    @Test("rapid reset: requests that are taken back before their answer end the connection (CVE-2023-44487)")
    func rapidReset() async throws {
        try await withNeighbour(Self.isUntrusted) { server in
            let frames = (0..<1_000).flatMap { number -> [HTTP2TestFrame] in
                let stream = UInt32(number * 2 + 1)
                return [.request(stream, "/channels/a/poll?wait=10s"), .reset(stream)]
            }
            try await isEnded(by: frames, server)
            let begun = try await server.node.metric("fanfare_http2_streams_total")
            #expect(begun <= 100)
        }
    }

    @Test(
        "requests that are refused, one after the other, end the connection",
        arguments: ["/nothing", "/channels/%ff/poll"])
    func refusedRequests(path: String) async throws {
        try await withNeighbour(Self.isUntrusted) { server in
            try await isEnded(by: (0..<90).map { .request(UInt32($0 * 2 + 1), path) }, server)
            let begun = try await server.node.metric("fanfare_http2_streams_total")
            #expect(begun <= 60)
        }
    }

    @Test("requests refused for the moment end the connection only where they are many, or taken back as well")
    func postponedRequests() async throws {
        try await withNeighbour(Self.isUntrusted + ["--max-connections", "1"]) { server in
            func polls(_ numbers: Range<Int>) -> [HTTP2TestFrame] {
                numbers.map { .request(UInt32($0 * 2 + 1), "/channels/a/poll?wait=10s") }
            }
            let client = try await server.http2()
            try await client.send(polls(0..<60))
            for _ in 0..<60 {
                let data = try #require(try await client.next { $0.kind == .data })
                #expect(String(decoding: data.payload, as: UTF8.self).contains("try again"))
            }
            #expect(try await server.refusals("http2") == 0)
            var (sent, isOpen) = (60, true)
            while isOpen, sent < 10_000 {
                try? await client.send(polls(sent..<sent + 50))
                sent += 50
                for _ in 0..<50 where isOpen {
                    let frame = try? await client.next { $0.kind == .data || $0.kind == .goAway }
                    isOpen = frame?.kind == .data
                }
            }
            #expect(!isOpen)
            try await eventually("it is counted") { try await server.refusals("http2") == 1 }
            await client.close()
            let before = try await server.node.metric("fanfare_http2_streams_total")
            let storm = (0..<1_000).flatMap { polls($0..<$0 + 1) + [.reset(UInt32($0 * 2 + 1))] }
            try await isEnded(by: storm, server)
            #expect(try await server.node.metric("fanfare_http2_streams_total") <= before + 60)
        }
    }

    @Test("a trusted proxy, which carries the requests of many, may be refused and may reset as often as they do")
    func refusedProxy() async throws {
        try await withNeighbour { server in
            let client = try await server.http2()
            for round in 0..<3 {
                let streams = (0..<40).map { UInt32(round * 160 + $0 * 2 + 1) }
                try await client.send(streams.map { .request($0, "/nothing") })
                for _ in streams { _ = try #require(try await client.next { $0.kind == .data }) }
                try await client.send(
                    streams.flatMap { [.request($0 + 80, "/channels/a/poll?wait=10s"), .reset($0 + 80)] })
            }
            #expect(!client.socket.isClosed)
            await client.close()
        }
    }

    @Test("a block of header fields without end, in empty pieces or in big ones, ends the connection")
    func continuations() async throws {
        try await withNeighbour { server in
            let start = HTTP2TestFrame(.headers, flags: HTTP2TestFrame.endStream, stream: 1, [0])
            let empty = Array(repeating: HTTP2TestFrame(.continuation, stream: 1), count: 1_000)
            try await isEnded(by: [start] + empty, server)
            let big = Array(
                repeating: HTTP2TestFrame(.continuation, stream: 1, Array(repeating: 0, count: 16_000)), count: 4)
            try await isEnded(by: [start] + big, server, telling: nil)
        }
    }

    @Test("header fields above the limit: 431 for one or many of them, and the end of the connection for all together")
    func headers() async throws {
        try await withNeighbour { server in
            let client = try await server.http2()
            try await client.send([
                .request(1, "/", fields: [("x", String(repeating: "x", count: 9_000))]),
                .request(3, "/", fields: (0..<80).map { ("x-\($0)", "x") }),
            ])
            for _ in 0..<2 {
                let data = try #require(try await client.next { $0.kind == .data })
                #expect(String(decoding: data.payload, as: UTF8.self).contains("header fields are above the limit"))
            }
            await client.close()
            let all = HTTP2TestFrame.request(
                1, "/", fields: (0..<5).map { ("x-\($0)", String(repeating: "x", count: 3_500)) })
            try await isEnded(by: [all], server, telling: nil)
        }
    }

    @Test("floods of settings, pings, priorities, window updates and empty data end the connection")
    func floods() async throws {
        try await withNeighbour { server in
            for frame in [
                HTTP2TestFrame(.settings), HTTP2TestFrame(.ping, Array(repeating: 0, count: 8)),
                HTTP2TestFrame(.priority, stream: 1, [0, 0, 0, 0, 0]),
            ] {
                try await isEnded(by: Array(repeating: frame, count: 1_000), server)
            }
            let before = try await server.refusals("http2")
            let flood = try await server.http2()
            // As fast as it goes, for what is too fast depends on the machine.
            for _ in 0..<2_000 where !flood.socket.isClosed {
                try? await flood.send(Array(repeating: .windowUpdate(0, 1), count: 2_500))
            }
            try await eventually("the flood is counted") { try await server.refusals("http2") == before + 1 }
            await flood.close()
            let open = HTTP2TestFrame.request(1, "/channels/a", method: "POST", ends: false)
            try await isEnded(by: [open] + Array(repeating: .init(.data, stream: 1), count: 100), server)
        }
    }

    @Test("more streams than there may be, and what is not HTTP/2, end the connection")
    func protocolErrors() async throws {
        try await withNeighbour { server in
            let many = (0..<150).map { HTTP2TestFrame.request(UInt32($0 * 2 + 1), "/channels/a/sse") }
            try await isEnded(by: many, server, telling: nil)
            try await isEnded(by: [.init(.data, stream: 7, [1])], server, telling: nil)
            try await isEnded(by: [.init(.headers, flags: 5, stream: 1, [0xFF, 0xFF, 0xFF])], server, telling: nil)
            try await isEnded(
                by: [.request(1, "/", fields: [("transfer-encoding", "chunked")])], server, telling: nil)
            let before = try await server.refusals("http2")
            let tls = try TLSClient(caFile: server.authority.caFile, protocols: ["h2"])
            let socket = try await SocketClient.connect(server.node.port, tls: tls)
            try await socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + String(repeating: "x", count: 100))
            try await eventually("it is closed") { socket.isClosed }
            try await eventually("it is counted") { try await server.refusals("http2") == before + 1 }
        }
    }

    @Test("closed windows hold an answer for as long as a handshake may take, and no longer")
    func closedWindows() async throws {
        try await withNeighbour(["--handshake-timeout", "8s"]) { server in
            let client = try await server.http2(settings: HTTP2TestFrame.setting(4, 0))
            try await client.send((0..<100).map { .request(UInt32($0 * 2 + 1), "/") })
            var resets = 0
            while resets < 100 {
                let frame = try #require(try await client.next())
                #expect(frame.kind != .data)
                if frame.kind == .reset { resets += 1 }
            }
            // And then the connection, on which nothing happens.
            #expect(try await client.next { $0.kind == .goAway } != nil)
            try await eventually("it is closed") { client.socket.isClosed }
        }
    }

    @Test("a client that asks on and reads nothing gets no more answers than its socket takes, and is closed")
    func deaf() async throws {
        try await withNeighbour(["--handshake-timeout", "8s", "--slow-timeout", "2s"]) { server in
            let client = try await server.http2(settings: HTTP2TestFrame.setting(4, 0x7FFF_FFFF), receiveBuffer: 65_536)
            try await client.send([.windowUpdate(0, 0x3FFF_FFFF)])
            try await client.socket.pauseReading()
            let asking = Task {
                for number in 0..<2_000 {
                    try? await client.send([.request(UInt32(number * 2 + 1), "/")])
                }
            }
            try await eventually("the node has let it go") {
                try await server.node.metric("fanfare_http2_connections") == 0
            }
            let begun = try await server.node.metric("fanfare_http2_streams_total")
            #expect(begun < 1_000)
            await client.close()
            await asking.value
        }
    }

    @Test("connections without a request, and requests that never end, have no more time than others")
    func silence() async throws {
        try await withNeighbour(["--handshake-timeout", "8s"]) { server in
            let silent = try await server.http2()
            let half = try await server.http2()
            try await half.send(
                (0..<50).map { .request(UInt32($0 * 2 + 1), "/channels/a", method: "POST", ends: false) })
            try await server.counted(#"fanfare_connections_refused_total{reason="handshake_timeout"}"#, 51)
            for client in [silent, half] {
                try await eventually("it is closed") { client.socket.isClosed }
                await client.close()
            }
        }
    }

    @Test("streams above the sockets without a session take the place of the oldest")
    func pending() async throws {
        let flags = ["--max-pending-connections", "20", "--loops", "1"]
        try await withNeighbour(flags) { server in
            let client = try await server.http2()
            try await client.send(
                (0..<60).map { .request(UInt32($0 * 2 + 1), "/channels/a", method: "POST", ends: false) })
            try await server.counted(#"fanfare_connections_refused_total{reason="pending_limit"}"#, 40)
            try await server.counted("fanfare_pending_connections", 20)
            await client.close()
        }
    }
}
