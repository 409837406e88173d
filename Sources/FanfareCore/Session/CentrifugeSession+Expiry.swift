import FanfareWire

/// What ends when a token does. The session holds no clock: it says when to ask, and is asked.
extension CentrifugeSession {
    /// Seconds until the first of the connection's and the subscriptions' tokens expires, 0 and below: it has; `nil`: none ever
    /// does.
    public func secondsLeft(_ now: TokenTime) -> Int64? {
        var next = identity?.expiry?.left(now)
        for subscription in channels {
            guard let left = subscription.grant?.expiry?.left(now) else { continue }
            next = min(next ?? left, left)
        }
        return next
    }

    /// What to do about tokens that expired `grace` seconds ago or before, and were not refreshed.
    public mutating func expire(_ now: TokenTime, grace: Int64 = 0) -> [Action] {
        if let expiry = identity?.expiry, expiry.left(now) <= -grace { return [.disconnect(.expired)] }
        var actions: [Action] = []
        channels.removeAll { subscription in
            guard let expiry = subscription.grant?.expiry, expiry.left(now) <= -grace, subscription.pending == 0 else {
                return false
            }
            let push = CentrifugeJSONEncoder.unsubscribePush(
                subscription.channel, code: 2501, reason: "subscription expired")
            actions.append(.unsubscribe(subscription.channel, replies: [push]))
            return true
        }
        return actions
    }
}
