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
        authenticate { [self] bearer in
            guard bearer.grants.mayConnect else { return refuseAnonymous("connect") }
            guard bearer.channels.contains(channel.text) || bearer.may(.subscribe, channel, rules.subscribe) else {
                return refuse(.forbidden, .forbidden, "this client may not subscribe to this channel")
            }
            let isKnown = rules.keepsMembers || rules.publisherInfo
            next(
                RawSession(
                    channel: channel, rules: rules,
                    mayPublish: sends && bearer.may(.publish, channel, rules.publish, isSubscribed: true),
                    grants: bearer.grants, clientID: isKnown ? loop.makeClientID() : nil))
        }
    }
}
