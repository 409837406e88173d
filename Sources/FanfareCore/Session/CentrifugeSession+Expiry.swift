import FanfareWire

/// What ends when a token does. The session holds no clock: it says when to ask, and is asked.
extension CentrifugeSession {
    /// The earliest expiry of the connection's and the subscriptions' tokens, seconds since 1970; `nil`: there is none.
    public var nextExpiry: Int64? {
        var next = identity?.expiresAt
        for subscription in channels {
            guard let expiry = subscription.grant?.expiresAt else { continue }
            next = min(next ?? expiry, expiry)
        }
        return next
    }

    /// What to do about tokens that expired at `time` or before, and were not refreshed.
    public mutating func expire(at time: Int64) -> [Action] {
        if let expiry = identity?.expiresAt, expiry <= time { return [.disconnect(.expired)] }
        var actions: [Action] = []
        channels.removeAll { subscription in
            guard let expiry = subscription.grant?.expiresAt, expiry <= time, subscription.pending == 0 else {
                return false
            }
            let push = CentrifugeJSONEncoder.unsubscribePush(
                subscription.channel, code: 2501, reason: "subscription expired")
            actions.append(.unsubscribe(subscription.channel, reply: push))
            return true
        }
        return actions
    }
}
