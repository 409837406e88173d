import FanfareCore
import FanfareWire

/// Members in Redis, each call one script.
extension RedisBroker {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        guard let rules = memberRules(channel) else { return completion(.failure(.noPresence)) }
        let task = presenceCalls.join(members, channel, rules, returning: returning)
        run(task, size: members.count * Self.memberSize, PresenceCalls.outlook, completion)
    }

    public func leave(
        _ clients: [String], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        guard let rules = memberRules(channel) else { return completion(.failure(.noPresence)) }
        let task = presenceCalls.leave(clients, channel, rules)
        run(task, size: clients.count * Self.clientSize, PresenceCalls.outlook, completion)
    }

    public func refresh(
        _ clients: [String], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        guard let rules = memberRules(channel) else { return completion(.failure(.noPresence)) }
        let task = presenceCalls.refresh(clients, channel, rules)
        run(task, size: clients.count * Self.clientSize, PresenceCalls.outlook, completion)
    }

    public func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceOutlook, BrokerError>) -> Void
    ) {
        guard let rules = memberRules(channel) else { return completion(.failure(.noPresence)) }
        run(presenceCalls.reap(channel, rules), size: 0, PresenceCalls.outlook, completion)
    }

    public func presence(
        of channel: ChannelName, limit: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        guard let rules = memberRules(channel), rules.presence else { return completion(.failure(.noPresence)) }
        run(presenceCalls.members(channel, rules, limit: limit), size: 0, PresenceCalls.page, completion)
    }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) {
        guard let rules = memberRules(channel), rules.presence else { return completion(.failure(.noPresence)) }
        run(presenceCalls.stats(channel, rules), size: 0, PresenceCalls.stats, completion)
    }

    /// Bytes that a member, and that a client's id takes on its way to Redis, about.
    private static let memberSize = 192
    private static let clientSize = 48

    private func memberRules(_ channel: ChannelName) -> ChannelRules? {
        rules.rules(channel).flatMap { $0.keepsMembers ? $0 : nil }
    }

    private func run<Value>(
        _ task: PublisherLink.Order.Task, size: Int, _ read: @escaping @Sendable (ReplyView) -> Value?,
        _ completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void
    ) {
        metrics.counters.addShared(.presenceCalls)
        order(task, size: size + Self.readSize) { [metrics] result in
            let answer: Result<Value, BrokerError> = result.flatMap { reply in
                read(reply).map(Result.success) ?? .failure(.refused("odd answer"))
            }
            if case .failure = answer { metrics.counters.addShared(.presenceFailed) }
            completion(answer)
        }
    }
}
