import FanfareCore
import FanfareWire

/// Members of a channel are with the master that owns its slot; their keys move with it.
extension ClusterBroker {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(channel, completion) { $0.join(members, channel, returning: returning, completion: $1) } }

    public func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(channel, completion) { $0.leave(clients, channel, completion: $1) } }

    public func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(channel, completion) { $0.refresh(clients, channel, completion: $1) } }

    public func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(channel, completion) { $0.reap(channel, completion: $1) } }

    public func presence(
        of channel: ChannelName, limit: Int, maxBytes: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        call(channel, completion) { $0.presence(of: channel, limit: limit, maxBytes: maxBytes, completion: $1) }
    }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) { call(channel, completion) { $0.presenceStats(of: channel, completion: $1) } }
}
