import FanfareCore
import FanfareWire
import Logging
import NIOCore

@testable import FanfareAuth

extension FuzzTarget {
    /// Tokens: one that nobody signed is never believed, nor one that was changed after it was signed.
    static let tokens = FuzzTarget(name: "tokens", maxBytes: 1_024) { input in
        var input = input
        let bench = TokenBench.shared
        switch input.pick(4) {
        case 0: bench.refuses(input.remainder)
        case 1:
            // Header and payload as they like, signed all the same: behind the signature the claims have their turn.
            let header = input.piece().buffer
            bench.judge(bench.sign(header: header, claims: input.buffer), isGenuine: true)
        case 2:
            bench.judge(bench.sign(header: TokenBench.header, claims: input.buffer), isGenuine: true)
        default:
            let (place, change) = (Int(input.integer() % 4_096), max(1, input.byte() & 0x7F))
            var token = Array(bench.sign(header: TokenBench.header, claims: input.buffer).utf8)
            token[place % token.count] ^= change
            bench.refuses(String(decoding: token, as: UTF8.self))
        }
    }
}

/// A verifier with one secret.
private struct TokenBench: Sendable {
    static let shared = TokenBench()
    static let header = ByteBuffer(string: #"{"alg":"HS256"}"#)
    private let key: TokenKey
    private let verifier: TokenVerifier

    private init() {
        var configuration = TokenConfiguration()
        configuration.secrets = [Secret("a secret of this process alone, never used elsewhere")]
        let (settings, secret) = (configuration, configuration.secrets[0].value)
        let clock = NodeClock(wallMicroseconds: { 1_700_000_000_000_000 }, monotonicMicroseconds: { 0 })
        let metrics = TokenMetrics()
        (key, verifier) = blocking {
            let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
            let keys = try! await KeyRing(settings, metrics: metrics, clock: clock, logger: logger)
            let verifier = TokenVerifier(settings, keys: keys, limits: Limits(), metrics: metrics, clock: clock)
            return (try! await TokenKey.secret(secret, .hs256), verifier)
        }
    }

    func sign(header: ByteBuffer, claims: ByteBuffer) -> String {
        do {
            return try TokenSigner.sign(header: header, claims: claims, with: key)
        } catch {
            fatalError("can't sign: \(error)")
        }
    }

    func refuses(_ token: String) { judge(token, isGenuine: false) }

    func judge(_ token: String, isGenuine: Bool) {
        switch verifier.connection(token) {
        case .valid(let claims):
            expect(isGenuine, "believed without a signature")
            expect(claims.expiresAt.map { $0 > 1_700_000_000 - 5 } ?? true, "expired at \(claims.expiresAt ?? 0)")
            for info in [claims.info] + claims.subscriptions.map(\.info) { line(info) }
        case .refused: break
        case .undecided: fatalError("undecided without a key set")
        }
        switch verifier.subscription(token) {
        case .valid(let claims):
            expect(isGenuine, "believed without a signature")
            expect(!claims.channel.isEmpty, "no channel")
            line(claims.info)
        case .refused: break
        case .undecided: fatalError("undecided without a key set")
        }
    }

    private func line(_ info: ByteBuffer?) {
        guard let info else { return }
        expect(JSONLine(info)?.bytes == info, "info is not JSON in one line")
    }
}
