import FanfareWire
import NIOCore

/// What a new token of the connection changes. Each token says all that its bearer may do: what the one before allowed and
/// this one does not has to end now.
extension CentrifugeSession {
    /// The connection's new token is good; it is of the same user, see ``mismatch(_:)``.
    ///
    /// - Returns: the reply, then an end for each subscription that the new token does not allow any more.
    public mutating func refresh(
        _ command: CentrifugeCommand, _ claims: ConnectClaims, now: TokenTime
    ) -> [Action] {
        tokens = [TokenState(identity: ClientIdentity(claims, permissions: policy.users, now: now))]
        let reply = CentrifugeJSONEncoder.refreshReply(
            id: command.id, client: policy.clientID, version: policy.version,
            ttl: identity?.expiry.map { Self.ttl($0, now: now) })
        return [.reply(reply)] + endForbidden(claims)
    }

    private mutating func endForbidden(_ claims: ConnectClaims) -> [Action] {
        guard !channels.isEmpty else { return [] }
        let listed = Set(claims.subscriptions.map(\.channel))
        var (kept, actions) = ([Subscription](), [Action]())
        for subscription in channels {
            if isAllowed(subscription, listed, claims) {
                kept.append(subscription)
            } else {
                actions.append(.unsubscribe(subscription.channel, replies: [Self.farewell(subscription)]))
            }
        }
        channels = kept
        return actions
    }

    private func isAllowed(_ subscription: Subscription, _ listed: Set<ExactText>, _ claims: ConnectClaims) -> Bool {
        let channel = subscription.channel
        if let grant = subscription.grant {
            // It has a token of its own, and ends with that.
            guard grant.isServerSide else { return true }
            if listed.contains(channel.text) { return true }
            // The node made it because the token before listed it. A token that lists others takes it back; one that says
            // nothing of channels leaves it to what the client may do by itself.
            guard !claims.listsSubscriptions, ChannelBoundary(channel) != .token else { return false }
        }
        guard let rules = policy.channels.rules(channel), let identity else { return false }
        return identity.permissions.allow(
            .subscribe, in: channel, rules.subscribe, identity, isSubscribed: true)
    }

    /// What a client is told of a subscription that it may not have any more, or not get.
    private static func farewell(_ subscription: Subscription) -> Body {
        subscription.pending != 0
            ? CentrifugeJSONEncoder.errorReply(id: subscription.pending, .permissionDenied)
            : CentrifugeJSONEncoder.unsubscribePush(subscription.channel, code: 2000, reason: "permission denied")
    }
}
