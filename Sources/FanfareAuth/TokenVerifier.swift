import FanfareCore

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
        /// Its key may be in the key set by now: call ``learnKeys()``, then ask again with `isFinal`.
        case undecided
    }

    private let keys: KeyRing
    private let algorithms: Set<TokenAlgorithm>
    private let audience: String?
    private let issuer: String?
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
    /// - Parameter isFinal: whether ``learnKeys()`` was called for it; then it is never ``Verdict/undecided``.
    public func connection(_ token: String, isFinal: Bool = false) -> Verdict<ConnectClaims> {
        verdict(token, isFinal: isFinal) { reader throws(TokenRefusal) in
            // A subscription token opens one channel and nothing else.
            guard reader.claims["channel"] == nil else { throw .purpose }
            var claims = ConnectClaims()
            claims.user = try reader.text("sub") ?? ""
            claims.info = try reader.info()
            claims.expiresAt = try reader.expiry()
            claims.subscriptions = try reader.subscriptions()
            claims.capabilities = try reader.capabilities()
            return claims
        }
    }

    /// Checks a subscription token; whether it fits user and channel is for the session to say.
    ///
    /// - Parameter isFinal: as in ``connection(_:isFinal:)``.
    public func subscription(_ token: String, isFinal: Bool = false) -> Verdict<SubscriptionClaims> {
        verdict(token, isFinal: isFinal) { reader throws(TokenRefusal) in
            guard let channel = try reader.text("channel"), !channel.isEmpty else { throw .purpose }
            var claims = SubscriptionClaims()
            claims.channel = channel
            claims.user = try reader.text("sub") ?? ""
            claims.client = try reader.text("client")
            claims.info = try reader.info()
            claims.expiresAt = try reader.expiry()
            claims.allow = try reader.allow()
            return claims
        }
    }

    /// Reads the key set again, where that may help.
    public func learnKeys() async { await keys.refresh() }

    private func verdict<Claims>(
        _ token: String, isFinal: Bool, _ read: (ClaimReader) throws(TokenRefusal) -> Claims
    ) -> Verdict<Claims> {
        do throws(TokenRefusal) {
            let token = try CompactToken(token, maxBytes: maxBytes, allowed: algorithms)
            let candidates = keys.keys(token.algorithm, id: token.keyID)
            if candidates.isEmpty {
                if !isFinal, keys.mayLearn(token.algorithm) { return .undecided }
                throw keys.isComplete(token.algorithm) ? .unknownKey : .keysUnavailable
            }
            guard candidates.contains(where: { $0.verify(token.signature, of: token.signed) }) else {
                // None of them was made for this token by name: its own may be new.
                let isNamed = token.keyID != nil && candidates.contains { $0.id == token.keyID }
                if !isFinal, !isNamed, keys.mayLearn(token.algorithm) { return .undecided }
                throw .signature
            }
            let reader = ClaimReader(claims: token.claims)
            try checkValidity(reader)
            let claims = try read(reader)
            metrics.counters.addShared(.accepted)
            return .valid(claims)
        } catch {
            metrics.refusals.addShared(error)
            return .refused(error)
        }
    }

    /// Time, audience and issuer (RFC 7519 §4.1).
    private func checkValidity(_ reader: ClaimReader) throws(TokenRefusal) {
        let now = Int64(clock.wallMicroseconds() / 1_000_000)
        if let exp = try reader.time("exp"), now >= exp + leeway { throw .expired }
        if let nbf = try reader.time("nbf"), now < nbf - leeway { throw .notYetValid }
        _ = try reader.time("iat")
        if let audience, try reader.texts("aud")?.contains(audience) != true { throw .audience }
        if let issuer, try reader.text("iss") != issuer { throw .issuer }
    }
}
