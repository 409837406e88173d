import FanfareAuth
import FanfareTestKit
import Foundation
import NIOCore

/// Tokens of a backend that shares a secret with the node under test.
enum TestTokens {
    /// Made anew by every run.
    static let secret = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(separator: "s")

    static func make(_ claims: String, secret: String = secret) async throws -> String {
        try TokenSigner.sign(claims: ByteBuffer(string: claims), with: await .secret(secret, .hs256))
    }

    /// Seconds since 1970 from now.
    static func time(in seconds: Int) -> Int { Int(Date().timeIntervalSince1970) + seconds }

    /// Runs `body` with a node that believes these tokens; the secret comes in a variable.
    static func withNode<Value>(
        redis: String? = nil, flags: [String] = [], environment: [String: String] = [:],
        _ body: (Node) async throws -> Value
    ) async throws -> Value {
        let variables = ["FANFARE_TOKEN_HMAC_SECRET": secret].merging(environment) { $1 }
        let node = try await Node.start(
            redis: redis, flags: flags + ["--log-level", "debug"], environment: variables, dev: false)
        do {
            let value = try await body(node)
            // Whatever happened: no token and no secret in what the node wrote.
            guard !node.log.contains(secret), !node.log.contains("eyJ") else {
                throw NotInTime(what: "a log without secrets: \(node.log)")
            }
            await node.stop()
            return value
        } catch {
            await node.stop()
            throw error
        }
    }
}

extension CentrifugeClient {
    /// Opens a connection and sends `connect` with a token.
    static func connect(_ node: Node, token: String, headers: [String: String] = [:]) async throws -> Message {
        let client = try await open(node.port, headers: headers)
        let reply = try await client.command(#""connect":{"token":"\#(token)"}"#)
        await client.close()
        return reply
    }

    /// A session of the bearer of a token with these claims.
    static func session(_ node: Node, _ claims: String) async throws -> CentrifugeClient {
        let client = try await open(node.port)
        let token = try await TestTokens.make(claims)
        let reply = try await client.command(#""connect":{"token":"\#(token)"}"#)
        guard reply.errorCode == nil else { throw NotInTime(what: "a session; got \(reply.text)") }
        return client
    }
}
