import FanfareTestKit
import NIOCore
import Testing

/// Addresses by the PROXY protocol, on real sockets.
@Suite("Cluster: PROXY protocol", .serialized)
struct ProxyProtocolTests {
    private func first(_ address: String) -> [UInt8] {
        Array("PROXY \(address.contains(":") ? "TCP6 \(address) ::1" : "TCP4 \(address) 127.0.0.1") 4711 443\r\n".utf8)
    }

    private func second(_ command: UInt8, _ address: [UInt8]) -> [UInt8] {
        let rest = address + [127, 0, 0, 1, 0, 80, 1, 187] + [3, 0, 4, 1, 2, 3, 4]
        return [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, command, 0x11, 0, UInt8(rest.count)] + rest
    }

    private func connect(_ node: Node, _ preface: [UInt8], _ headers: [String: String] = [:]) async throws
        -> WebSocketClient
    {
        try await WebSocketClient.connect(node.port, "/channels/a/ws", headers: headers, preface: preface)
    }

    private func isRefused(_ node: Node, _ preface: [UInt8], _ headers: [String: String] = [:]) async throws {
        let refusal = await #expect(throws: WebSocketClient.Refused.self) { try await connect(node, preface, headers) }
        #expect(refusal?.answer.status == 429)
    }

    private static let flags = ["--client-address", "proxy-protocol", "--max-connections-per-address", "2"]

    @Test("both versions name the client; a proxy that speaks for itself is not limited")
    func versions() async throws {
        try await withNode(flags: Self.flags) { node in
            let client = try await connect(node, first("192.0.2.1"))
            _ = try await connect(node, second(0x21, [192, 0, 2, 1]))
            for preface in [first("192.0.2.1"), second(0x21, [192, 0, 2, 1]), first("::ffff:192.0.2.1")] {
                try await isRefused(node, preface)
                // It is the proxy that wrote the header, and its client that wrote the field.
                try await isRefused(node, preface, ["X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7"])
            }
            _ = try await connect(node, first("2001:db8::1"))
            for _ in 0..<3 {
                _ = try await connect(node, second(0x20, [192, 0, 2, 1]))
                _ = try await connect(node, Array("PROXY UNKNOWN\r\n".utf8))
            }
            try await client.send("through")
            #expect(try await client.nextText() == "through")
            let malformed = try await node.metric(#"fanfare_connections_refused_total{reason="proxy_protocol"}"#)
            #expect(malformed == 0)
        }
    }

    @Test("a header may come in pieces, with the request behind it or later")
    func pieces() async throws {
        try await withNode(flags: Self.flags) { node in
            let request = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            for header in [first("192.0.2.1"), second(0x21, [192, 0, 2, 1])] {
                for cuts in [
                    Array(0..<(header.count + request.count)), [0, 13], [0, header.count], [0, header.count + 3],
                ] {
                    let (socket, bytes) = (try await SocketClient.connect(node.port), header + request)
                    for (start, end) in zip(cuts, cuts.dropFirst() + [bytes.count]) {
                        try await socket.send(ByteBuffer(bytes: bytes[start..<end]))
                    }
                    let answer = try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }
                    #expect(answer?.status == 200)
                    await socket.close()
                }
            }
        }
    }

    @Test("a trusted peer without a valid header is closed and counted; one that sends nothing is not waited for")
    func invalid() async throws {
        try await withNode(flags: Self.flags + ["--handshake-timeout", "6s"]) { node in
            let bad = [
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PROXY TCP4 x y 1 1\r\n", "\r\n\r\nGET",
                "PROXY " + String(repeating: "x", count: 200),
            ]
            for text in bad {
                let socket = try await SocketClient.connect(node.port)
                try await socket.send(text)
                let answer = try await socket.receive("the end") { HTTPAnswer.parse(&$0) }
                #expect(answer == nil, "\(text)")
            }
            let refused = try await node.metric(#"fanfare_connections_refused_total{reason="proxy_protocol"}"#)
            #expect(Int(refused) == bad.count)
            let silent = try await SocketClient.connect(node.port)
            try await silent.send("PROXY ")
            try await eventually("the silent one is sent away") { silent.isClosed }
            try await eventually("nothing is left") { try await node.metric("fanfare_pending_connections") == 0 }
        }
    }

    @Test("health checks of a proxy, which end with a reset, are no bad requests")
    func healthChecks() async throws {
        try await withNode(flags: Self.flags) { node in
            for _ in 0..<20 {
                for header in [Array("PROXY UNKNOWN\r\n".utf8), second(0x20, [127, 0, 0, 1])] {
                    let socket = try await SocketClient.connect(node.port)
                    socket.sendLater(ByteBuffer(bytes: header))
                    await socket.reset()
                }
            }
            _ = try await connect(node, first("192.0.2.1"))
            try await eventually("all are gone") { try await node.metric("fanfare_pending_connections") == 0 }
            for reason in ["bad_request", "proxy_protocol"] {
                let refused = try await node.metric("fanfare_connections_refused_total{reason=\"\(reason)\"}")
                #expect(refused == 0, "\(reason)")
            }
        }
    }

    @Test("a peer that is not trusted speaks HTTP, and its header is a bad request")
    func untrusted() async throws {
        try await withNode(flags: Self.flags + ["--trusted-proxies", "192.0.2.0/24"]) { node in
            _ = try await connect(node, [])
            for header in [first("192.0.2.1"), second(0x21, [192, 0, 2, 1])] {
                let refusal = await #expect(throws: WebSocketClient.Refused.self) { try await connect(node, header) }
                #expect(refusal?.answer.status == 400)
            }
            _ = try await connect(node, [])
            try await isRefused(node, [])
        }
    }
}
