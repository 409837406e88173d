import FanfareCore
import FanfareWire

/// Decides whether a token is to be believed, and takes out of it what it says.
///
/// Synchronous: a signature check is once per connect and runs on the caller's event loop. Only a token whose key is not
/// known yet has to wait, see ``Verdict/undecided``.
public final class TokenVerifier: Sendable {
    /// What became of a token.
    public enum Verdict<Claims: Sendable>: Sendable {
        /// It is to be believed.
        case valid(Claims)
        /// It is not; counted.
        case refused(TokenRefusal)
        /// Its key may be in the key set by now: call ``learnKeys()``, then ask again with what that says.
        case undecided
    }

    private let keys: KeyRing
    private let algorithms: Set<TokenAlgorithm>
    private let audience: ExactText?
    private let issuer: ExactText?
    private let leeway: Int64
    private let maxBytes: Int
    private let clock: NodeClock
    private let metrics: TokenMetrics

    public init(
        _ configuration: TokenConfiguration, keys: KeyRing, limits: Limits, metrics: TokenMetrics, clock: NodeClock
    ) {
        self.keys = keys
        algorithms = Set(configuration.algorithms)
        audience = configuration.audience
        issuer = configuration.issuer
        leeway = Int64(configuration.leeway.components.seconds)
        maxBytes = limits.maxTokenBytes
        self.clock = clock
        self.metrics = metrics
    }

    /// Checks a connection token.
    ///
    /// - Parameter search: what ``learnKeys()`` said, when it was called for this token; then it is never
    ///   ``Verdict/undecided``.
    public func connection(_ token: String, after search: KeySearch = .none) -> Verdict<ConnectClaims> {
        verdict(token, search, Self.connectClaims)
    }

    private static func connectClaims(_ reader: ClaimReader) throws(TokenProblem) -> ConnectClaims {
        // A subscription token opens one channel and nothing else.
        guard reader.claims["channel"] == nil else { throw TokenProblem(.purpose) }
        var claims = ConnectClaims()
        claims.user = try reader.text("sub") ?? ""
        claims.info = try reader.info()
        claims.expiresAt = try reader.expiry()
        claims.subscriptions = try reader.subscriptions()
        claims.listsSubscriptions = reader.listsSubscriptions
        claims.capabilities = try reader.capabilities()
        return claims
    }

    /// Checks a subscription token; whether it fits user and channel is for the session to say.
    ///
    /// - Parameter search: as in ``connection(_:after:)``.
    public func subscription(_ token: String, after search: KeySearch = .none) -> Verdict<SubscriptionClaims> {
        verdict(token, search, Self.subscriptionClaims)
    }

    private static func subscriptionClaims(_ reader: ClaimReader) throws(TokenProblem) -> SubscriptionClaims {
        guard let channel = try reader.text("channel"), !channel.isEmpty else { throw TokenProblem(.purpose) }
        var claims = SubscriptionClaims()
        claims.channel = channel
        claims.user = try reader.text("sub") ?? ""
        claims.client = try reader.text("client")
        claims.info = try reader.info()
        claims.expiresAt = try reader.expiry()
        claims.allow = try reader.allow()
        return claims
    }

    /// Reads the key set again, where that may help.
    public func learnKeys() async -> KeySearch { await keys.refresh() }

    /// What is wrong with which claim of a token that was refused for one; `nil`: something else is. For whoever made the
    /// token, not for whoever brings it.
    public func claimProblem(of token: String) -> String? {
        do throws(TokenProblem) {
            let token = try genuine(token, .fresh)
            let reader = ClaimReader(claims: token.claims)
            try checkValidity(reader)
            if reader.claims["channel"] == nil {
                _ = try Self.connectClaims(reader)
            } else {
                _ = try Self.subscriptionClaims(reader)
            }
            return nil
        } catch {
            return error.detail
        }
    }

    private func verdict<Claims>(
        _ token: String, _ search: KeySearch, _ read: (ClaimReader) throws(TokenProblem) -> Claims
    ) -> Verdict<Claims> {
        do throws(TokenProblem) {
            let reader = ClaimReader(claims: try genuine(token, search).claims)
            try checkValidity(reader)
            let claims = try read(reader)
            metrics.counters.addShared(.accepted)
            return .valid(claims)
        } catch {
            if error.isUndecided { return .undecided }
            if error.refusal == .keyPending { keys.readSoon() }
            metrics.refusals.addShared(error.refusal)
            return .refused(error.refusal)
        }
    }

    /// The token, if it was made with one of the keys. Where reading the key set may help, that is thrown as undecided.
    private func genuine(_ token: String, _ search: KeySearch) throws(TokenProblem) -> CompactToken {
        let compact: CompactToken
        do throws(TokenRefusal) {
            compact = try CompactToken(token, maxBytes: maxBytes, allowed: algorithms)
        } catch {
            throw TokenProblem(error)
        }
        let candidates = keys.keys(compact.algorithm, id: compact.keyID)
        if candidates.contains(where: { $0.verify(compact.signature, of: compact.signed) }) { return compact }
        // A key that has the token's name is the one that was meant. Otherwise its own may be new.
        if compact.keyID != nil, candidates.contains(where: { $0.id == compact.keyID }) {
            throw TokenProblem(.signature)
        }
        if search == .none, keys.mayLearn(compact.algorithm) { throw .undecided }
        let absence = keys.absence(compact, after: search)
        throw TokenProblem(candidates.isEmpty || absence != .unknownKey ? absence : .signature)
    }

    /// Time, audience and issuer (RFC 7519 §4.1).
    private func checkValidity(_ reader: ClaimReader) throws(TokenProblem) {
        let now = clock.tokenTime.wall
        for end in [try reader.time("exp"), try reader.expiry()] {
            if let end, now >= end.addingClamped(leeway) { throw TokenProblem(.expired) }
        }
        if let nbf = try reader.time("nbf"), now < nbf.subtractingClamped(leeway) { throw TokenProblem(.notYetValid) }
        _ = try reader.time("iat")
        if let audience, try reader.texts("aud")?.contains(audience) != true { throw TokenProblem(.audience) }
        if let issuer, try reader.text("iss") != issuer { throw TokenProblem(.issuer) }
    }
}
