import FanfareAuth
import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// Who a request comes from, where the request itself says it: publishes, and clients whose protocol has no words for it.
extension Exchange {
    /// Who sent a request, and what it may do.
    struct Bearer {
        let grants: Grants
        /// Channels to which it belongs.
        var subscriptions: [ServerSubscription] = []
        /// Their names.
        var channels: Set<ExactText> { Set(subscriptions.map(\.channel)) }

        /// Whether it may do that in a channel.
        ///
        /// - Parameter isSubscribed: whether it is, or is about to be, a subscriber.
        func may(
            _ action: ChannelActions, _ channel: ChannelName, _ access: ChannelRules.Access, isSubscribed: Bool = false
        ) -> Bool {
            grants.may(action, in: channel, access, isSubscribed: isSubscribed)
        }
    }

    /// One without a token.
    var anonymous: Bearer { Bearer(grants: Grants(anonymous: loop.node.anonymousPermissions)) }

    func findToken(ignoringCookies: Bool = false) -> RequestToken? {
        guard !loop.node.ignoresTokens else { return nil }
        let configuration = loop.node.configuration
        return RequestToken(
            target: path, cookie: ignoringCookies ? nil : configuration.tokenCookie,
            isInQuery: configuration.tokenInQuery
        ) { name in
            HTTPField.Name(name).map { request.headerFields[values: $0] } ?? []
        }
    }

    /// Checks a complete request's token, then goes on with `next`, which is not called when the request is refused.
    func authenticate(_ next: @escaping (Bearer) -> Void) {
        guard let token else { return next(anonymous) }
        guard let verifier = loop.node.tokens?.verifier else {
            loop.node.metrics.tokens.refusals.addShared(.unknownKey)
            return refuseToken(.unknownKey)
        }
        guard !decide(verifier.connection(token), next) else { return }
        let bound = NIOLoopBound((self, next), eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        Task {
            let search = await verifier.learnKeys()
            eventLoop.execute {
                let (exchange, next) = bound.value
                // The client may have gone, or its deadline may have passed.
                guard !exchange.isOver else { return }
                _ = exchange.decide(verifier.connection(token, after: search), next)
                exchange.loop.flush()
            }
        }
    }

    /// Whether there is a decision.
    private func decide(_ verdict: TokenVerifier.Verdict<ConnectClaims>, _ next: (Bearer) -> Void) -> Bool {
        switch verdict {
        case .valid(let claims):
            let identity = ClientIdentity(
                claims, permissions: loop.node.userPermissions, now: loop.node.clock.tokenTime)
            let grants = Grants(anonymous: loop.node.anonymousPermissions, identity: identity)
            next(Bearer(grants: grants, subscriptions: claims.subscriptions))
        case .refused(let refusal): refuseToken(refusal)
        case .undecided: return false
        }
        return true
    }

    /// The rules of a channel; where there are none, the request is refused.
    func rules(_ channel: ChannelName) -> ChannelRules? {
        if let rules = loop.node.channels.rules(channel) { return rules }
        refuse(.badChannel, .notFound, "unknown namespace of channel '\(channel)'")
        return nil
    }

    /// Refuses a client without credentials.
    func refuseAnonymous(_ what: String) {
        refuse(
            .unauthorized,
            .unauthorized,
            "anonymous clients may not \(what) here (the operator allows it with --anonymous or --dev)"
        )
    }

    private func refuseToken(_ refusal: TokenRefusal) {
        loop.node.logger.debug("token refused", metadata: ["reason": "\(refusal.label)"])
        if refusal.isTemporary {
            refuse(
                .unauthorized, .serviceUnavailable, "tokens can't be checked at the moment, try again", retry: true)
        } else {
            let message = refusal == .expired ? "the token has expired" : "the token is not valid here"
            refuse(
                .unauthorized, .unauthorized, message,
                fields: [.wwwAuthenticate: #"Bearer error="invalid_token""#])
        }
    }
}
