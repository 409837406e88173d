import FanfareWire

/// A broker that keeps no members: every call fails with ``BrokerError/noPresence``.
public protocol NoPresence: PresenceStore {}

extension NoPresence {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { completion(.failure(.noPresence)) }

    public func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { completion(.failure(.noPresence)) }

    public func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { completion(.failure(.noPresence)) }

    public func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { completion(.failure(.noPresence)) }

    public func presence(
        of channel: ChannelName, limit: Int, maxBytes: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) { completion(.failure(.noPresence)) }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) { completion(.failure(.noPresence)) }
}
