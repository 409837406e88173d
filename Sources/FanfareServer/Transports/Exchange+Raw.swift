import FanfareCore
import FanfareProtocols
import FanfareWire

extension Exchange {
    /// Finds out whether whoever sent the request may hear a channel, then goes on with a session of the raw protocol.
    ///
    /// - Parameters:
    ///   - sends: whether the session's transport brings messages of the client.
    ///   - next: not called when the request is refused.
    func rawSession(
        _ channel: ChannelName, _ rules: ChannelRules, sends: Bool, _ next: @escaping (RawSession) -> Void
    ) {
        rawSession([(channel, rules)], sends: sends, next)
    }

    /// The same for several channels: it hears all of them or none. What it sends goes to the first.
    ///
    /// - Parameter channels: at least one.
    func rawSession(
        _ channels: [(name: ChannelName, rules: ChannelRules)], sends: Bool, _ next: @escaping (RawSession) -> Void
    ) {
        authenticate { [self] bearer in
            guard bearer.grants.mayConnect else { return refuseAnonymous("connect") }
            let own = bearer.channels
            for (channel, rules) in channels
            where !own.contains(channel.text) && !bearer.may(.subscribe, channel, rules.subscribe) {
                let what = channels.count == 1 ? "this channel" : "channel '\(channel)'"
                return refuse(.forbidden, .forbidden, "this client may not subscribe to \(what)")
            }
            let (channel, rules) = channels[0]
            next(
                RawSession(
                    channel: channel, rules: rules,
                    mayPublish: sends && bearer.may(.publish, channel, rules.publish, isSubscribed: true),
                    grants: bearer.grants,
                    clientID: channels.contains { $0.rules.keepsMembers || $0.rules.publisherInfo }
                        ? loop.makeClientID() : nil))
        }
    }
}
