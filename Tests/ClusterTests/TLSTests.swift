import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// A node with a certificate of its own.
struct TLSNode {
    let node: Node
    let authority: TestAuthority
    let pair: TestAuthority.Pair
    let tls: TLSClient

    func raw(_ channel: String, _ tls: TLSClient? = nil, receiveBuffer: Int? = nil) async throws -> WebSocketClient {
        try await WebSocketClient.connect(
            node.port, "/channels/\(channel)/ws", receiveBuffer: receiveBuffer, tls: tls ?? self.tls)
    }

    func refusals(_ reason: String) async throws -> Double {
        try await node.metric("fanfare_connections_refused_total{reason=\"\(reason)\"}")
    }

    /// What `openssl s_client` says and how it ends.
    func openssl(_ arguments: String...) async throws -> (status: Int32, text: String) {
        let client = try ChildProcess(
            "openssl",
            ["s_client", "-connect", "127.0.0.1:\(node.port)", "-CAfile", authority.caFile, "-verify_return_error"]
                + arguments, name: "openssl")
        let status = try await client.waitForExit()
        try await eventually("openssl has printed") { client.log.contains("CONNECTED") }
        return (status, client.log)
    }
}

/// Runs `body` with a node that speaks TLS.
func withTLSNode<Value>(
    flags: [String] = [], days: Int = 1, _ body: (TLSNode) async throws -> Value
) async throws -> Value {
    let authority = try TestAuthority()
    let pair = try authority.issue("node", days: days)
    let tls = try TLSClient(caFile: authority.caFile)
    // What a test does not ask for must not come between: clients of these tests answer pings only while they read.
    let patient = ["--handshake-timeout", "60s", "--ping-interval", "off"]
    return try await withNode(flags: pair.flags + patient + flags) { node in
        try await body(TLSNode(node: node, authority: authority, pair: pair, tls: tls))
    }
}

@Suite("Cluster: TLS")
struct TLSTests {
    @Test("whole sessions over TLS, raw and Centrifuge, also with messages of many records in both directions")
    func sessions() async throws {
        let flags = ["--max-message-bytes", "1MiB", "--max-queue-bytes", "4MiB", "--direct-write", "on"]
        try await withTLSNode(flags: flags) { server in
            let one = try await server.raw("a")
            let two = try await server.raw("a", TLSClient(caFile: server.authority.caFile, version: .tlsv12))
            let three = try await CentrifugeClient.connect(server.node.port, tls: server.tls)
            try await three.subscribe("a")
            for size in [0, 1, 125, 126, 16_383, 16_384, 16_385, 100_000, 700_000] {
                let text = String((0..<size).map { _ in "abcdefgh".randomElement() ?? "a" })
                try await one.send("\"\(text)\"")
                for client in [one, two] { #expect(try await client.nextText() == "\"\(text)\"") }
                #expect(try await three.nextPublication().data == "\"\(text)\"")
                try await three.publish("a", "\"\(text)\"")
                for client in [one, two] { #expect(try await client.nextText() == "\"\(text)\"") }
                #expect(try await three.nextPublication().data == "\"\(text)\"")
            }
            // A burst is in order, whichever way its parts went.
            for number in 0..<500 { one.sendLater("\(number)") }
            for number in 0..<500 { #expect(try await two.nextText() == "\(number)") }
            for client in [one, two, three.socket] { await client.close() }
            try await eventually("all have gone") { try await server.node.metric("fanfare_connections") == 0 }
            let queued = try await server.node.metric("fanfare_queue_bytes")
            let refused = try await server.refusals("tls")
            #expect(queued == 0 && refused == 0)
            #expect(server.node.log.contains("--direct-write has no effect"))
        }
    }

    @Test("plain requests over TLS: the page, a publish, errors; connections are kept, and ended where that is due")
    func requests() async throws {
        try await withTLSNode { server in
            let port = server.node.port
            let page = try await HTTP.get(port, "/", tls: server.tls)
            #expect(page.status == 200 && page.body.contains("Fanfare"))
            let listener = try await server.raw("a")
            let answer = try await HTTP.post(port, "/channels/a", "hello", tls: server.tls)
            #expect(answer.status == 200)
            #expect(try await listener.nextText() == "hello")
            let socket = try await SocketClient.connect(port, tls: server.tls)
            for path in ["/", "/", "/nothing"] {
                try await socket.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                let status = try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }?.status
                #expect(status == (path == "/" ? 200 : 404))
            }
            try await eventually("the node ends it behind its error") { socket.isClosed }
            let curl = try ChildProcess(
                "curl",
                ["-sS", "--cacert", server.authority.caFile, "-o", "/dev/null", "https://localhost:\(port)/"],
                name: "curl")
            #expect(try await curl.waitForExit() == 0, "\(curl.log)")
            await listener.close()
        }
    }

    @Test("TLS 1.2 and 1.3 are spoken, older ones refused; HTTP/2 is agreed to, HTTP/1.1 to those who know no other")
    func versions() async throws {
        try await withTLSNode { server in
            for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
                for (offer, agreed) in [("h2,http/1.1", "h2"), ("http/1.1", "http/1.1")] {
                    let (status, text) = try await server.openssl(version, "-alpn", offer)
                    #expect(status == 0 && text.contains("New, \(name)"), "\(text)")
                    #expect(
                        text.contains("ALPN protocol: \(agreed)\n") && text.contains("Verify return code: 0"), "\(text)"
                    )
                }
            }
            let before = try await server.refusals("tls")
            #expect(before == 0)
            for version in ["-tls1_1", "-tls1"] {
                let (status, text) = try await server.openssl(version, "-cipher", "ALL@SECLEVEL=0")
                #expect(status != 0 && text.contains("protocol version"), "\(text)")
            }
            try await eventually("both are counted") { try await server.refusals("tls") == 2 }
            let (status, text) = try await server.openssl("-alpn", "spdy/3")
            #expect(status == 0 && text.contains("No ALPN negotiated"), "\(text)")
        }
    }

    @Test("what is no TLS gets no answer, is counted, and disturbs nobody")
    func plain() async throws {
        try await withTLSNode { server in
            let client = try await server.raw("a")
            for text in [
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{0}\u{1}\u{2} what\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
            ] {
                let socket = try await SocketClient.connect(server.node.port)
                try await socket.send(text + String(repeating: "x", count: 1_000))
                let came = try await socket.receive("nothing") { $0.readString(length: 5) }
                // An alert of TLS at most.
                #expect(came.map { !$0.hasPrefix("HTTP") } ?? true)
                try await eventually("it is closed") { socket.isClosed }
            }
            let other = try TestAuthority()
            let stranger = try await SocketClient.connect(server.node.port, tls: TLSClient(caFile: other.caFile))
            try await eventually("who does not trust us leaves") { stranger.isClosed }
            try await eventually("all four are counted") { try await server.refusals("tls") == 4 }
            // As load balancers look whether somebody listens.
            for _ in 0..<5 { await (try await SocketClient.connect(server.node.port)).close() }
            try await eventually("none of them is left") {
                try await server.node.metric("fanfare_pending_connections") == 0
            }
            let refused = try await server.refusals("tls")
            #expect(refused == 4)
            try await client.send("still here")
            #expect(try await client.nextText() == "still here")
            await client.close()
        }
    }

    @Test("who says nothing, or half a handshake, is cut at the deadline and not later")
    func silent() async throws {
        try await withTLSNode(flags: ["--handshake-timeout", "5s"]) { server in
            let silent = try await SocketClient.connect(server.node.port)
            let half = try await SocketClient.connect(server.node.port)
            var bytes = ByteBuffer()
            // The head of a record with a ClientHello of 512 bytes, of which ten come.
            bytes.writeBytes([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 1, 2, 3, 4])
            try await half.send(bytes)
            let idle = try await SocketClient.connect(server.node.port, tls: server.tls)
            try await eventually("all are cut") {
                silent.isClosed && half.isClosed && idle.isClosed
            }
            // Who has TLS and sends no request is told.
            #expect(try await idle.receive("an answer") { HTTPAnswer.parse(&$0) }?.status == 408)
            try await eventually("they are counted, and gone") {
                let pending = try await server.node.metric("fanfare_pending_connections")
                let refused = try await server.refusals("handshake_timeout")
                return pending == 0 && refused == 3
            }
        }
    }

    @Test("sockets within their TLS handshake count against the pending ones")
    func pending() async throws {
        try await withTLSNode(flags: ["--max-pending-connections", "4"]) { server in
            var sockets: [SocketClient] = []
            for _ in 0..<20 { sockets.append(try await SocketClient.connect(server.node.port)) }
            try await eventually("those above it are closed") { sockets.filter(\.isClosed).count == 16 }
            let refused = try await server.refusals("pending_limit")
            #expect(refused == 16)
            for socket in sockets { await socket.close() }
            try await eventually("there is a place again") { (try? await server.raw("a")) != nil }
        }
    }

    @Test("a PROXY header comes before TLS, and is needed where it was asked for")
    func proxyHeader() async throws {
        try await withTLSNode(flags: ["--client-address", "proxy-protocol"]) { server in
            let url = "https://localhost:\(server.node.port)/"
            let arguments = ["-sS", "--cacert", server.authority.caFile, "-o", "/dev/null", "--ipv4"]
            let curl = try ChildProcess("curl", arguments + ["--haproxy-protocol", url], name: "curl")
            #expect(try await curl.waitForExit() == 0, "\(curl.log)")
            let without = try ChildProcess("curl", arguments + [url], name: "curl")
            #expect(try await without.waitForExit() != 0)
            try await eventually("none of them is left") {
                try await server.node.metric("fanfare_pending_connections") == 0
            }
        }
    }

    @Test("the load generator counts every delivery over TLS", arguments: ["raw", "centrifuge"])
    func bench(transport: String) async throws {
        try await withTLSNode { server in
            let url = "wss://\(transport == "raw" ? "localhost" : "127.0.0.1"):\(server.node.port)/"
            let arguments = [
                "bench", url, "--clients", "100", "--channels", "5", "--protocol", transport, "--rate", "100",
                "--duration", "1s", "--size", "1000", "--json",
            ]
            for trust in [["--ca-file", server.authority.caFile], ["--insecure"]] {
                let run = try ChildProcess(FanfareBinary.path, arguments + trust, name: "bench")
                #expect(try await run.waitForExit(within: .seconds(60)) == 0, "\(run.log)")
                try await eventually("the report is there") { run.log.contains(#""ok":true"#) }
            }
            let strict = try ChildProcess(FanfareBinary.path, arguments, name: "bench")
            #expect(try await strict.waitForExit(within: .seconds(60)) == 1, "\(strict.log)")
            try await eventually("it says why") { strict.log.contains("the certificate is not trusted") }
        }
    }
}
