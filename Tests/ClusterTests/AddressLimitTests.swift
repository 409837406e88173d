import FanfareTestKit
import Foundation
import Testing

/// Clients of one address share places and attempts; whose address that is nobody can choose.
@Suite("Cluster: limits by address", .serialized)
struct AddressLimitTests {
    private func connect(_ port: Int, _ headers: [String: String] = [:], from: String? = nil) async throws
        -> WebSocketClient
    {
        try await WebSocketClient.connect(port, "/channels/a/ws", headers: headers, from: from)
    }

    /// Tries to come in and fails with 429.
    private func isRefused(_ port: Int, _ headers: [String: String] = [:], from: String? = nil) async throws {
        let refusal = await #expect(throws: WebSocketClient.Refused.self, "\(headers)") {
            try await connect(port, headers, from: from)
        }
        #expect(refusal?.answer.status == 429 && Int(refusal?.answer["retry-after"] ?? "") != nil)
        #expect(refusal?.answer.body.contains("address") == true)
    }

    private func refusals(_ node: Node, _ reason: String) async throws -> Double {
        try await node.metric("fanfare_connections_refused_total{reason=\"\(reason)\"}")
    }

    @Test("an address has its places; others, and the proxy itself, are not held to them")
    func connections() async throws {
        try await withNode(flags: ["--max-connections-per-address", "2"]) { node in
            for (address, same) in [
                ("192.0.2.1", ["6.6.6.6, 192.0.2.1", "192.0.2.1:99, 127.0.0.1", "::ffff:192.0.2.1"]),
                ("2001:db8::1", ["2001:db8::ffff:0:0:2", "[2001:db8:0:0:1::]:80"]),
            ] {
                let clients = [
                    try await connect(node.port, ["X-Forwarded-For": address]),
                    try await connect(node.port, ["X-Forwarded-For": "127.0.0.1, \(address)"]),
                ]
                for other in [address] + same { try await isRefused(node.port, ["X-Forwarded-For": other]) }
                // Nobody reads this one.
                try await isRefused(node.port, ["X-Forwarded-For": address, "Forwarded": "for=192.0.2.77"])
                for client in clients { await client.socket.reset() }
                try await eventually("places come back") {
                    guard let client = try? await connect(node.port, ["X-Forwarded-For": address]) else { return false }
                    await client.close()
                    return true
                }
            }
            for _ in 0..<5 { _ = try await connect(node.port) }
            _ = try await connect(node.port, ["X-Forwarded-For": "2001:db8:0:1::1"])
            let refused = try await refusals(node, "address_limit")
            #expect(refused >= 9)
            #expect(
                node.log.contains("client refused: this address has too many") && node.log.contains("address=192.0.2.1")
            )
            let untrusted = try await node.metric("fanfare_forwarded_untrusted_total")
            #expect(untrusted == 0)
        }
    }

    @Test("attempts are counted before tokens are looked at")
    func attempts() async throws {
        try await TestTokens.withNode(flags: ["--max-connect-rate-per-address", "1"]) { node in
            var statuses: [Int: Int] = [:]
            for _ in 0..<30 {
                do {
                    _ = try await connect(
                        node.port, ["X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer a.b.c"])
                } catch let refused as WebSocketClient.Refused {
                    statuses[refused.answer.status, default: 0] += 1
                }
            }
            let (checked, refused) = (statuses[401] ?? 0, statuses[429] ?? 0)
            #expect(checked >= 5 && refused >= 5 && checked + refused == 30, "\(statuses)")
            let looked = try await node.metric(#"fanfare_tokens_refused_total{reason="malformed"}"#)
            let counted = try await refusals(node, "address_rate")
            #expect(Int(looked) == checked && Int(counted) == refused)
            // Others are not asked to wait.
            let token = try await TestTokens.make(#"{"sub":"1"}"#)
            for other in ["192.0.2.2", "127.0.0.1"] {
                _ = try await connect(node.port, ["X-Forwarded-For": other, "Authorization": "Bearer \(token)"])
            }
        }
    }

    @Test("a peer that is not trusted is counted as itself, whatever it says, and pointed out once")
    func untrusted() async throws {
        for source in ["x-forwarded-for", "forwarded"] {
            let flags = [
                "--trusted-proxies", "none", "--max-connections-per-address", "2", "--client-address", source,
            ]
            try await withNode(flags: flags) { node in
                _ = try await connect(node.port, ["X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"])
                _ = try await connect(node.port)
                for number in 3..<8 {
                    try await isRefused(
                        node.port, ["X-Forwarded-For": "192.0.2.\(number)", "Forwarded": "for=192.0.2.\(number)"])
                }
                _ = try await connect(node.port, ["X-Forwarded-For": "127.0.0.1"], from: "127.0.0.2")
                let untrusted = try await node.metric("fanfare_forwarded_untrusted_total")
                #expect(untrusted == 7)
                #expect(node.log.components(separatedBy: "is it a proxy?").count == 2)
            }
        }
    }

    @Test("a trusted proxy that names no address is held to the limit itself")
    func garbage() async throws {
        let flags = ["--max-connections-per-address", "1", "--client-address", "forwarded"]
        try await withNode(flags: flags) { node in
            _ = try await connect(node.port, ["Forwarded": "for=unknown"])
            try await isRefused(node.port, ["Forwarded": "for=192.0.2.1, for=_hidden"])
            _ = try await connect(node.port, ["Forwarded": #"for=6.6.6.6, for="192.0.2.1:1""#])
            try await isRefused(node.port, ["Forwarded": "for=192.0.2.1"])
            let malformed = try await node.metric("fanfare_forwarded_malformed_total")
            #expect(malformed == 2)
        }
    }

    @Test("through nginx, clients are told apart, and nothing that they send about themselves counts")
    func nginx() async throws {
        let flags = ["--trusted-proxies", "127.0.0.1", "--max-connections-per-address", "2"]
        try await withCluster(nodes: 1, flags: flags) { cluster in
            let (node, client) = (cluster.nodes[0], "127.0.0.2")
            for (number, lie) in ["127.0.0.1", "192.0.2.1"].enumerated() {
                let port = cluster.port
                let first = try await connect(port, ["X-Forwarded-For": lie, "X-Real-IP": lie], from: client)
                let second = try await connect(port, ["Forwarded": "for=\(lie)"], from: client)
                for headers in [
                    [:], ["X-Forwarded-For": lie], ["Forwarded": "for=\(lie)"], ["X-Forwarded-For": "\(lie),"],
                    ["X-Forwarded-For": "unknown", "Forwarded": "for=\""], ["X_Forwarded_For": lie],
                ] { try await isRefused(port, headers, from: client) }
                _ = try await connect(port, from: "127.0.0.\(3 + number)")
                await first.socket.reset()
                await second.socket.reset()
                try await eventually("places come back through nginx") {
                    try await node.metric("fanfare_connections") == Double(1 + number)
                }
            }
            for _ in 0..<4 { _ = try await connect(cluster.port) }
        }
    }
}
