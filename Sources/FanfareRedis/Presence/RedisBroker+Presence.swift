import FanfareCore
import FanfareWire

/// Members in Redis, each call one script.
extension RedisBroker {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        run(channel, size: members.count * Self.memberSize, PresenceCalls.outlook, completion) {
            presenceCalls.join(members, channel, $0, returning: returning)
        }
    }

    public func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        run(channel, size: clients.count * Self.clientSize, PresenceCalls.outlook, completion) {
            presenceCalls.leave(clients, channel, $0)
        }
    }

    public func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        run(channel, size: clients.count * Self.clientSize, PresenceCalls.outlook, completion) {
            presenceCalls.refresh(clients, channel, $0)
        }
    }

    public func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        run(channel, size: 0, PresenceCalls.outlook, completion) { presenceCalls.reap(channel, $0) }
    }

    public func presence(
        of channel: ChannelName, limit: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        let read: @Sendable (ReplyView) -> PresencePage? = { [metrics] reply in
            guard let page = PresenceCalls.page(reply) else { return nil }
            metrics.noteUnreadable((reply[1]?.count ?? 0) - page.members.count)
            return page
        }
        look(channel, cost: limit * Self.memberSize, read, completion) {
            presenceCalls.members(channel, $0, limit: limit)
        }
    }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) {
        look(channel, cost: 1_024, PresenceCalls.stats, completion) { presenceCalls.stats(channel, $0) }
    }

    /// Bytes that a member, and that a client's id takes on its way to Redis, about.
    private static let memberSize = 192
    private static let clientSize = 48

    /// Changes members by what `task` makes of the channel's rules.
    private func run<Value>(
        _ channel: ChannelName, size: Int, _ read: @escaping @Sendable (ReplyView) -> Value?,
        _ completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void,
        task: (ChannelRules) -> PublisherLink.Order.Task
    ) {
        guard let rules = rules.rules(channel), rules.keepsMembers else { return completion(.failure(.noPresence)) }
        change(task(rules), size: size, read, counted(completion))
    }

    /// Reads what `task` makes of the channel's rules.
    private func look<Value>(
        _ channel: ChannelName, cost: Int, _ read: @escaping @Sendable (ReplyView) -> Value?,
        _ completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void,
        task: (ChannelRules) -> PublisherLink.Order.Task
    ) {
        guard let rules = rules.rules(channel), rules.presence else { return completion(.failure(.noPresence)) }
        ask(task(rules), cost: cost, .second, since: now, read, counted(completion))
    }

    private func counted<Value>(
        _ completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void
    ) -> @Sendable (Result<Value, BrokerError>) -> Void {
        metrics.counters.addShared(.presenceCalls)
        return { [metrics] answer in
            if case .failure = answer { metrics.counters.addShared(.presenceFailed) }
            completion(answer)
        }
    }
}
