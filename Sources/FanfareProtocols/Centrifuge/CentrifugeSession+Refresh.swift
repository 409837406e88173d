import FanfareCore
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
    ) -> [SessionAction] {
        grants.identity = ClientIdentity(claims, permissions: policy.users, now: now)
        let reply = encoder.refreshReply(
            id: command.id, client: clientID, version: policy.version, ttl: grants.identity?.expiry?.ttl(now))
        return [.send(reply)] + endForbidden(claims)
    }

    private mutating func endForbidden(_ claims: ConnectClaims) -> [SessionAction] {
        guard !channels.isEmpty else { return [] }
        let listed = Set(claims.subscriptions.map(\.channel))
        var (kept, actions) = ([Subscription](), [SessionAction]())
        for subscription in channels {
            let channel = subscription.channel
            if grants.keep(channel, claims, listed: listed, policy.channels.rules(channel)) {
                kept.append(subscription)
            } else {
                grants[channel] = nil
                actions.append(.unsubscribe(channel, replies: [farewell(subscription)]))
            }
        }
        channels = kept
        return actions
    }

    /// What a client is told of a subscription that it may not have any more, or not get.
    private func farewell(_ subscription: Subscription) -> Body {
        subscription.owesReply
            ? encoder.errorReply(id: subscription.pending, .permissionDenied)
            : encoder.unsubscribePush(subscription.channel, code: 2000, reason: "permission denied")
    }
}
