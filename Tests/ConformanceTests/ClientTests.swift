import FanfareTestKit
import Foundation
import Testing

/// Third-party clients, as they are, against real nodes.
@Suite("Third-party clients")
struct ClientTests {
    /// The encodings of the Centrifuge protocol, as arguments of the checks with its SDK.
    private static let encodings = ["--json", "--protobuf"]

    @Test("the official Centrifuge SDK for Python connects, subscribes, publishes and receives", arguments: encodings)
    func pythonSDK(encoding: String) async throws {
        try await withRedis { redis in
            let flags = ["--ping-interval", "5s", "--pong-timeout", "4s"]
            try await withNode(redis: redis.url, flags: flags) { node in
                let log = try await run(
                    "sdk_check.py", "ws://127.0.0.1:\(node.port)/connection/websocket", encoding, within: .seconds(240))
                #expect(log.contains("ok disconnects"), "\(log)")
            }
        }
    }

    @Test("clients in Protobuf, in JSON and raw ones hear each other, and Protobuf needs no SDK")
    func protobuf() async throws {
        try await withNode(flags: ["--compression", "on", "--ping-interval", "25s"]) { node in
            let log = try await run("protobuf_check.py", "ws://127.0.0.1:\(node.port)", within: .seconds(240))
            #expect(log.contains("ok without an SDK"), "\(log)")
        }
    }

    @Test("both clients over TLS, with Python's own, which is OpenSSL")
    func overTLS() async throws {
        let authority = try TestAuthority()
        let trust = ["SSL_CERT_FILE": authority.caFile]
        let flags = try authority.issue("node").flags + ["--ping-interval", "5s", "--pong-timeout", "4s"]
        try await withRedis { redis in
            try await withNode(redis: redis.url, flags: flags) { node in
                let sdk = try await run(
                    "sdk_check.py", "wss://localhost:\(node.port)/connection/websocket", "--json", environment: trust,
                    within: .seconds(240))
                #expect(sdk.contains("ok disconnects"), "\(sdk)")
            }
            try await withNode(redis: redis.url, flags: flags + ["--compression", "on"]) { node in
                let deflate = try await run(
                    "deflate_check.py", "wss://localhost:\(node.port)", environment: trust, within: .seconds(240))
                #expect(deflate.contains("ok closes"), "\(deflate)")
            }
        }
    }

    @Test("Python's websockets compresses and inflates, with and without context", arguments: [false, true])
    func deflate(context: Bool) async throws {
        let flags = ["--compression", "on", "--compression-client-context", "\(context)"]
        try await withNode(flags: flags) { node in
            let log = try await run("deflate_check.py", "ws://127.0.0.1:\(node.port)", within: .seconds(240))
            #expect(log.contains("ok closes"), "\(log)")
        }
    }

    @Test("the official SDKs recover what a broken connection missed, and read history", arguments: encodings)
    func recovery(encoding: String) async throws {
        try await withRedis { redis in
            try await withNode(redis: redis.url, flags: ["--namespaces", "chat: history=100/10m recovery"]) { node in
                let log = try await run(
                    "recovery_check.py", "ws://127.0.0.1:\(node.port)/connection/websocket",
                    "http://127.0.0.1:\(node.adminPort)/api", encoding, within: .seconds(240))
                #expect(log.contains("ok disconnects"), "\(log)")
            }
        }
    }

    @Test(
        "the official SDK and Centrifugo's client library for backends see who is in a channel", arguments: encodings)
    func pythonPresence(encoding: String) async throws {
        try await withRedis { redis in
            let flags = ["--namespaces", "room: presence join-leave; lots: presence", "--max-presence-members", "2"]
            try await withNode(redis: redis.url, flags: flags) { node in
                let log = try await run(
                    "presence_check.py", "ws://127.0.0.1:\(node.port)/connection/websocket",
                    "http://127.0.0.1:\(node.adminPort)/api", encoding, within: .seconds(240))
                #expect(log.contains("ok the server API agrees"), "\(log)")
            }
        }
    }

    @Test(
        "the official SDK tries again what a rate refused it, and tells the application of a refused publish",
        arguments: encodings)
    func pythonRates(encoding: String) async throws {
        let flags = ["--max-channels", "8", "--max-subscribe-rate", "1", "--max-publish-rate", "5"]
        try await withNode(flags: flags) { node in
            let log = try await run(
                "rate_check.py", "ws://127.0.0.1:\(node.port)/connection/websocket", encoding, within: .seconds(240))
            #expect(log.contains("ok disconnects"), "\(log)")
            #expect(try await node.metric(#"fanfare_rate_refusals_total{limit="subscribe"}"#) >= 1)
        }
    }

    @Test("the SDK's tokens: connect, refresh, expiry, private channels", arguments: encodings)
    func pythonTokens(encoding: String) async throws {
        let secret = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(separator: "s")
        let node = try await Node.start(
            flags: ["--expired-grace", "10s", "--token-leeway", "0"],
            environment: ["FANFARE_TOKEN_HMAC_SECRET": secret], dev: false)
        let log = try await run(
            "token_check.py", "ws://127.0.0.1:\(node.port)/connection/websocket", secret,
            "http://127.0.0.1:\(node.adminPort)", encoding, within: .seconds(240))
        #expect(log.contains("ok all"), "\(log)")
        await node.stop()
    }

    @Test(
        "the SDK of a user with too many connections keeps trying, and comes in when there is a place",
        arguments: encodings)
    func pythonUserLimit(encoding: String) async throws {
        let secret = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(separator: "s")
        let node = try await Node.start(
            flags: ["--max-connections-per-user", "1"], environment: ["FANFARE_TOKEN_HMAC_SECRET": secret], dev: false)
        let log = try await run(
            "user_limit_check.py", "ws://127.0.0.1:\(node.port)/connection/websocket", secret, encoding,
            within: .seconds(240))
        #expect(log.contains("ok it comes in"), "\(log)")
        await node.stop()
    }

    @Test("the page works in a browser: two windows, two nodes, messages both ways")
    func page() async throws {
        let pictures = Repository.path + "/.build/page"
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
        try await withCluster { cluster in
            let log = try await run(
                "page_check.py", "http://127.0.0.1:\(cluster.port)/", pictures, "--expect-different-nodes",
                within: .seconds(240))
            #expect(log.contains("ok no errors in the console"), "\(log)")
        }
    }

    @Test("scripts of a listed page send and read over HTTP in a browser, those of another page do neither")
    func crossOrigin() async throws {
        let port = FreePort.take()
        try await withNode(flags: ["--allowed-origins", "http://127.0.0.1:\(port)"]) { node in
            let log = try await run(
                "cors_check.py", "http://127.0.0.1:\(node.port)", "\(port)", within: .seconds(240))
            #expect(log.contains("ok and reads nothing without asking"), "\(log)")
            let counter = #"fanfare_connections_refused_total{reason="origin"}"#
            #expect(try await node.metric(counter) >= 2)
        }
    }
}
