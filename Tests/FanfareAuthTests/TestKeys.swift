import FanfareAuth
import FanfareTestKit
import FanfareWire
import Foundation
import NIOCore

@testable import FanfareCore

/// Keys made at run time, and clocks that a test holds.
enum TestKeys {
    static let secret = String(repeating: "0123456789abcdef", count: 4)
    /// The time of all tests, seconds since 1970.
    static let now: Int64 = 1_800_000_000

    /// A clock that stands still.
    static let clock = NodeClock(
        wallMicroseconds: { UInt64(now) * 1_000_000 }, monotonicMicroseconds: { 1_000_000_000 })

    /// A private key and its public half as PEM, from openssl.
    struct Pair: Sendable {
        let privatePEM: String
        let publicPEM: String

        func sign(_ claims: String, kid: String? = nil) async throws -> String {
            try TokenSigner.sign(
                claims: ByteBuffer(string: claims), with: await TokenKey.privateKey(pem: privatePEM), keyID: kid)
        }
    }

    static func rsa(bits: Int = 2_048) async throws -> Pair { try await pair("RSA", "rsa_keygen_bits:\(bits)") }
    static func ecdsa(curve: String = "P-256") async throws -> Pair {
        try await pair("EC", "ec_paramgen_curve:\(curve)")
    }
    static func eddsa() async throws -> Pair { try await pair("ED25519", nil) }

    /// A token of HMAC.
    static func hmac(
        _ claims: String, secret: String = secret, _ algorithm: TokenAlgorithm = .hs256, kid: String? = nil
    ) async throws -> String {
        try TokenSigner.sign(
            claims: ByteBuffer(string: claims), with: await .secret(secret, algorithm), keyID: kid)
    }

    private static func pair(_ algorithm: String, _ option: String?) async throws -> Pair {
        try await withFolder { folder in
            let (key, open) = (folder + "/key.pem", folder + "/public.pem")
            let options = option.map { ["-pkeyopt", $0] } ?? []
            for arguments in [
                ["genpkey", "-algorithm", algorithm, "-out", key] + options,
                ["pkey", "-in", key, "-pubout", "-out", open],
            ] {
                let tool = try ChildProcess("openssl", arguments, name: "openssl")
                guard try await tool.waitForExit() == 0 else { throw NotInTime(what: tool.log) }
            }
            return try Pair(
                privatePEM: String(contentsOfFile: key, encoding: .utf8),
                publicPEM: String(contentsOfFile: open, encoding: .utf8))
        }
    }

    /// Runs `body` with a folder that is gone afterwards.
    static func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let path = NSTemporaryDirectory() + "fanfare-keys-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }
}

/// A verifier and what it counted.
struct VerifierUnderTest {
    let verifier: TokenVerifier
    let keys: KeyRing
    let metrics = TokenMetrics()

    init(
        clock: NodeClock = TestKeys.clock, limits: Limits = Limits(),
        _ change: (inout TokenConfiguration) -> Void = { $0.secrets = [Secret(TestKeys.secret)] }
    ) async throws {
        var configuration = TokenConfiguration()
        configuration.leeway = .zero
        change(&configuration)
        keys = try await KeyRing(configuration, metrics: metrics, clock: clock, logger: .init(label: "test"))
        verifier = TokenVerifier(configuration, keys: keys, limits: limits, metrics: metrics, clock: clock)
    }

    /// Why a connection token is refused; `nil`: it is not.
    func refusal(_ token: String) -> TokenRefusal? {
        switch verifier.connection(token) {
        case .refused(let refusal): refusal
        case .valid, .undecided: nil
        }
    }

    /// What a valid connection token says; `nil`: it is not valid.
    func claims(_ token: String) -> ConnectClaims? {
        if case .valid(let claims) = verifier.connection(token) { claims } else { nil }
    }
}
