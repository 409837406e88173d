import FanfareWire

/// Members of a channel are where the channel is.
extension ShardedBroker {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { broker(of: channel).join(members, channel, returning: returning, completion: completion) }

    public func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { broker(of: channel).leave(clients, channel, completion: completion) }

    public func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { broker(of: channel).refresh(clients, channel, completion: completion) }

    public func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { broker(of: channel).reap(channel, completion: completion) }

    public func presence(
        of channel: ChannelName, limit: Int, maxBytes: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        broker(of: channel).presence(of: channel, limit: limit, maxBytes: maxBytes, completion: completion)
    }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) { broker(of: channel).presenceStats(of: channel, completion: completion) }
}
