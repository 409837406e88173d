import FanfareCore
import FanfareWire

/// What ends when a token does. The session holds no clock: it says when to ask, and is asked.
extension CentrifugeSession {
    /// What to do about tokens that expired `grace` seconds ago or before, and were not refreshed.
    public mutating func expire(_ now: TokenTime, grace: Int64 = 0) -> [SessionAction] {
        // Who can bring no new token has no time for one.
        let grace = isUnidirectional ? 0 : grace
        if grants.hasExpired(now, grace: grace) { return [.disconnect(.expired)] }
        var actions: [SessionAction] = []
        for subscription in channels where subscription.pending == 0 {
            let channel = subscription.channel
            guard grants.hasExpired(channel, now, grace: grace) else { continue }
            let push = self.push(encoder.unsubscribePush(channel, code: 2501, reason: "subscription expired"))
            actions.append(.unsubscribe(channel, replies: [push]))
        }
        for case .unsubscribe(let channel, _) in actions { forget(channel) }
        return actions
    }
}
