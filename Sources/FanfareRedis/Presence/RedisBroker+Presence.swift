import FanfareCore
import FanfareWire

/// Members in Redis, each call one script.
extension RedisBroker {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        run(
            channel, size: members.reduce(0) { $0 + $1.size + Self.clientSize }, PresenceCalls.outlook, completion
        ) {
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
        of channel: ChannelName, limit: Int, maxBytes: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        guard let rules = rules.rules(channel), rules.presence else { return completion(.failure(.noPresence)) }
        let most = min(maxBytes, RedisBounds.firstMembersBytes)
        page(channel, rules, limit: limit, maxBytes: maxBytes, upTo: most, since: now, counted(completion))
    }

    /// Nobody knows how big the members are. Most rooms are small, so Redis is asked for few bytes first, and counts while it reads; for
    /// as much as they may be only where there are more.
    private func page(
        _ channel: ChannelName, _ rules: ChannelRules, limit: Int, maxBytes: Int, upTo most: Int, since began: UInt64,
        _ completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        ask(
            presenceCalls.members(channel, rules, limit: limit, maxBytes: most),
            cost: min(limit * Self.memberBytes, most + 1_024), waiting: min(limit * Self.memberSize, most), .second,
            since: began,
            { [metrics] (reply: ReplyView) -> PresencePage? in
                guard let page = PresenceCalls.page(reply) else { return nil }
                metrics.noteUnreadable((reply[1]?.count ?? 0) - page.members.count)
                return page
            }
        ) { [self] result in
            guard most < maxBytes, case .success(let first) = result, first.isTooLarge, first.total <= limit else {
                return completion(result)
            }
            page(channel, rules, limit: limit, maxBytes: maxBytes, upTo: maxBytes, since: began, completion)
        }
    }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) {
        guard let rules = rules.rules(channel), rules.presence else { return completion(.failure(.noPresence)) }
        ask(
            presenceCalls.stats(channel, rules), cost: 1_024, .second, since: now, PresenceCalls.stats,
            counted(completion))
    }

    /// Bytes that a usual member, and that a client's id takes on its way from or to Redis, about.
    private static let memberSize = 192
    /// Bytes of the largest member, about.
    private static let memberBytes = 2 * ClientInfo.maximumInfoBytes + 512
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
