import FanfareAuth
import FanfareCore
import FanfareWire
import Foundation
import Logging
import NIOCore

/// What a node with certain settings would make of a token: for `fanfare token check`.
public struct TokenReport: Sendable {
    /// Whether it would be believed.
    public let isValid: Bool
    /// For a person; never the token itself.
    public let text: String

    /// - Throws: ``TokenToolProblem`` when the settings have no key.
    public init(_ token: String, _ configuration: NodeConfiguration) async throws {
        guard configuration.tokens.isEnabled else {
            throw TokenToolProblem(
                description: "no token is believed with these settings: there is neither token-hmac-secret nor "
                    + "token-public-key-file nor token-jwks")
        }
        let metrics = TokenMetrics()
        let keys: KeyRing
        do {
            keys = try await KeyRing(
                configuration.tokens, metrics: metrics, clock: .system, logger: Logger(label: "fanfare"))
        } catch {
            throw TokenToolProblem(description: "a key \(error)")
        }
        let search = await keys.refresh()
        let verifier = TokenVerifier(
            configuration.tokens, keys: keys, limits: configuration.limits, metrics: metrics, clock: .system)
        switch verifier.connection(token, after: search) {
        case .valid(let claims): (isValid, text) = (true, Self.describe(claims))
        case .refused(.purpose):
            switch verifier.subscription(token, after: search) {
            case .valid(let claims): (isValid, text) = (true, Self.describe(claims))
            case .refused(let refusal):
                (isValid, text) = (false, Self.describe(refusal, verifier.claimProblem(of: token)))
            case .undecided: (isValid, text) = (false, "refused: its key can't be had")
            }
        case .refused(let refusal):
            (isValid, text) = (false, Self.describe(refusal, verifier.claimProblem(of: token)))
        case .undecided: (isValid, text) = (false, "refused: its key can't be had")
        }
    }

    private static func describe(_ claims: ConnectClaims) -> String {
        var lines = ["a valid connection token", "user: \(claims.user.isEmpty ? "none" : claims.user.string)"]
        lines.append("expires: \(expiry(claims.expiresAt))")
        if let info = claims.info { lines.append("info: \(String(buffer: info))") }
        if !claims.subscriptions.isEmpty {
            lines.append("channels: \(claims.subscriptions.map(\.channel.string).joined(separator: ", "))")
        }
        for capability in claims.capabilities ?? [] {
            let kind = capability.isWildcard ? "like" : "in"
            let names = capability.channels.map(\.string).joined(separator: ", ")
            lines.append("may \(capability.allow.names.joined(separator: ", ")) \(kind) \(names)")
        }
        if claims.capabilities?.isEmpty == true { lines.append("may nothing: its claim caps is empty") }
        return lines.joined(separator: "\n")
    }

    private static func describe(_ claims: SubscriptionClaims) -> String {
        var lines = ["a valid subscription token", "channel: \(claims.channel)"]
        lines += ["user: \(claims.user.isEmpty ? "none" : claims.user.string)", "expires: \(expiry(claims.expiresAt))"]
        if let info = claims.info { lines.append("info: \(String(buffer: info))") }
        if let allow = claims.allow { lines.append("may \(allow.names.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }

    /// The end of the year 9999, beyond which nobody means a date.
    private static let latest: Int64 = 253_402_300_799

    private static func expiry(_ time: Int64?) -> String {
        guard let time else { return "never" }
        let left = time.subtractingClamped(Int64(Date().timeIntervalSince1970))
        guard time <= latest else { return "after the year 9999 (\(left) s): is it in milliseconds?" }
        return "\(Date(timeIntervalSince1970: Double(time)).ISO8601Format()) (\(left) s)"
    }

    /// - Parameter detail: what is wrong with which claim.
    private static func describe(_ refusal: TokenRefusal, _ detail: String?) -> String {
        "refused: " + (refusal == .claims ? detail ?? describe(refusal) : describe(refusal))
    }

    private static func describe(_ refusal: TokenRefusal) -> String {
        switch refusal {
        case .tooLong: "it is longer than max-token-bytes"
        case .malformed: "it is no token: three parts of Base64url, two of them JSON objects"
        case .algorithm: "its algorithm is not among token-algorithms"
        case .unknownKey: "there is no key of its algorithm, or none with its kid"
        case .keysUnavailable, .keyPending: "the key set can't be had"
        case .signature: "its signature is not of any key"
        case .expired: "it has expired"
        case .notYetValid: "it is not valid yet (nbf)"
        case .audience: "its aud lacks token-audience"
        case .issuer: "its iss is not token-issuer"
        case .claims: "a claim can't be read"
        case .purpose: "it is neither a connection token nor a subscription token"
        case .otherUser, .otherChannel: "it is for another user or channel"
        }
    }
}
