import FanfareCore
import FanfareWire

/// Members in Redis, each call one script.
extension RedisBroker {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        run(channel, size: members.count * Self.memberSize, PresenceCalls.outlook, completion) {
            presenceCalls.join(members, channel, $0, returning: returning)
        }
    }

    public func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        run(channel, size: clients.count * Self.clientSize, PresenceCalls.outlook, completion) {
            presenceCalls.leave(clients, channel, $0)
        }
    }

    public func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        run(channel, size: clients.count * Self.clientSize, PresenceCalls.outlook, completion) {
            presenceCalls.refresh(clients, channel, $0)
        }
    }

    public func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        run(channel, PresenceCalls.outlook, completion) { presenceCalls.reap(channel, $0) }
    }

    public func presence(
        of channel: ChannelName, limit: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        run(channel, PresenceCalls.page, completion) {
            $0.presence ? presenceCalls.members(channel, $0, limit: limit) : nil
        }
    }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) {
        run(channel, PresenceCalls.stats, completion) { $0.presence ? presenceCalls.stats(channel, $0) : nil }
    }

    /// Bytes that a member, and that a client's id takes on its way to Redis, about.
    private static let memberSize = 192
    private static let clientSize = 48

    /// Runs what `task` makes of the channel's rules; `nil`: they have no such thing.
    private func run<Value>(
        _ channel: ChannelName, size: Int = 0, _ read: @escaping @Sendable (ReplyView) -> Value?,
        _ completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void,
        task: (ChannelRules) -> PublisherLink.Order.Task?
    ) {
        guard let rules = rules.rules(channel), rules.keepsMembers, let task = task(rules) else {
            return completion(.failure(.noPresence))
        }
        metrics.counters.addShared(.presenceCalls)
        ask(task, size: size, read) { [metrics] answer in
            if case .failure = answer { metrics.counters.addShared(.presenceFailed) }
            completion(answer)
        }
    }
}
