import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: TLS, reload")
struct TLSReloadTests {
    private func serial(_ server: TLSNode) async throws -> String {
        let client = try await server.raw("other")
        let serial = try await client.socket.certificateSerial()
        await client.close()
        return serial
    }

    private func reloads(_ server: TLSNode, _ result: String) async throws -> Double {
        try await server.node.metric("fanfare_tls_reloads_total{result=\"\(result)\"}")
    }

    /// Puts another certificate and key where the node's are.
    private func replace(_ server: TLSNode, by pair: TestAuthority.Pair) throws {
        for (old, new) in [(server.pair.certificate, pair.certificate), (server.pair.key, pair.key)] {
            try Data(contentsOf: URL(fileURLWithPath: new)).write(to: URL(fileURLWithPath: old), options: .atomic)
        }
    }

    @Test("SIGHUP: new connections get the new certificate, those that are there notice nothing")
    func signal() async throws {
        try await withTLSNode(flags: ["--tls-reload-interval", "0s"]) { server in
            let old = try await server.raw("a")
            #expect(try await old.socket.certificateSerial() == "1001")
            let expiry = "fanfare_tls_certificate_not_after_timestamp_seconds"
            let before = try await server.node.metric(expiry)
            #expect(abs(before - Date().timeIntervalSince1970 - 86_400) < 120)
            try replace(server, by: server.authority.issue("next", serial: "2002", days: 3))
            #expect(try await serial(server) == "1001", "nobody has said that there is a new one")
            server.node.signal(SIGHUP)
            try await eventually("it is read") { try await reloads(server, "ok") == 1 }
            #expect(try await serial(server) == "2002")
            let after = try await server.node.metric(expiry)
            #expect(after > before + 86_400)
            for number in 0..<50 {
                try await old.send("\(number)")
                #expect(try await old.nextText() == "\(number)")
            }
            #expect(try await old.socket.certificateSerial() == "1001")
            await old.close()
            try await eventually("it is gone") { try await server.node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("a link that leads elsewhere is noticed without a signal, while messages flow")
    func link() async throws {
        let authority = try TestAuthority()
        for (folder, serial) in [("one", "1001"), ("two", "2002")] {
            try FileManager.default.createDirectory(
                atPath: authority.folder + "/" + folder, withIntermediateDirectories: true)
            _ = try authority.issue("\(folder)/tls", serial: serial)
        }
        let live = authority.folder + "/live"
        try FileManager.default.createSymbolicLink(atPath: live, withDestinationPath: "one")
        let pair = TestAuthority.Pair(certificate: live + "/tls.crt", key: live + "/tls.key")
        try await withNode(flags: pair.flags + ["--tls-reload-interval", "200ms"]) { node in
            let server = TLSNode(
                node: node, authority: authority, pair: pair, tls: try TLSClient(caFile: authority.caFile))
            let old = try await server.raw("a")
            // As certbot and Kubernetes do it: a new link in the place of the old one.
            try FileManager.default.createSymbolicLink(atPath: live + ".new", withDestinationPath: "two")
            #expect(rename(live + ".new", live) == 0)
            var sent = 0
            try await eventually("new connections get the new certificate") {
                try await old.send("\(sent)")
                #expect(try await old.nextText() == "\(sent)")
                sent += 1
                return try await serial(server) == "2002"
            }
            await old.close()
        }
    }

    @Test("a new certificate that can't be used changes nothing, is told once and counted; the next one is taken")
    func broken() async throws {
        try await withTLSNode(flags: ["--tls-reload-interval", "100ms"]) { server in
            let next = try server.authority.issue("next", serial: "2002")
            let old = try await server.raw("a")
            // The certificate of another key.
            try Data(contentsOf: URL(fileURLWithPath: next.certificate))
                .write(to: URL(fileURLWithPath: server.pair.certificate), options: .atomic)
            try await eventually("it is found to be broken") { try await reloads(server, "failed") == 1 }
            #expect(server.node.log.contains("is not the key of the certificate"))
            #expect(try await serial(server) == "1001")
            try "nothing".write(toFile: server.pair.certificate, atomically: true, encoding: .utf8)
            try await eventually("that too") { try await reloads(server, "failed") == 2 }
            #expect(server.node.log.contains("holds no certificate in PEM"))
            try FileManager.default.removeItem(atPath: server.pair.certificate)
            try await eventually("and that") { try await reloads(server, "failed") == 3 }
            #expect(try await serial(server) == "1001")
            try replace(server, by: next)
            try await eventually("a good one is taken") { try await serial(server) == "2002" }
            try await old.send("here")
            #expect(try await old.nextText() == "here")
            await old.close()
        }
    }

    @Test("SIGHUP ends no node, with TLS or without")
    func withoutTLS() async throws {
        try await withNode { node in
            let client = try await node.raw("a")
            node.signal(SIGHUP)
            try await eventually("it says so") { node.log.contains("nothing to read anew") }
            try await client.send("here")
            #expect(try await client.nextText() == "here")
            let metrics = try await HTTP.get(node.adminPort, "/metrics").body
            #expect(!metrics.contains("fanfare_tls_certificate_not_after"))
            await client.close()
        }
    }

    @Test("an expired certificate is warned of and no reason not to start")
    func expired() async throws {
        try await withTLSNode(days: -1) { server in
            #expect(server.node.log.contains("has expired on"))
            let (status, text) = try await server.openssl("-tls1_3")
            #expect(status != 0 && text.contains("certificate has expired"), "\(text)")
        }
    }
}
