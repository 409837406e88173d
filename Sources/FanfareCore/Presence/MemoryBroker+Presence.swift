import FanfareWire

/// Members in memory: they end with the node, so all that runs out here is the time of a node that stood still.
extension MemoryBroker {
    public func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        completion(
            change(channel) { presence, _, expiry in
                (presence.join(members, returning: returning, until: expiry).map { (.join, $0) }, [])
            })
    }

    public func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        completion(change(channel) { presence, _, _ in (presence.leave(clients).map { (.leave, $0) }, []) })
    }

    public func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        completion(
            change(channel) { presence, now, expiry in
                let missing = presence.refresh(clients, until: expiry)
                return (reap(&presence, now), missing)
            })
    }

    public func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) {
        completion(change(channel) { presence, now, _ in (reap(&presence, now), []) })
    }

    public func presence(
        of channel: ChannelName, limit: Int, maxBytes: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void
    ) {
        completion(
            read(channel) { presence in
                let isShort = presence.count <= limit && presence.bytes <= maxBytes
                return PresencePage(members: isShort ? presence.infos : [], total: presence.count)
            })
    }

    public func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void
    ) {
        completion(read(channel) { $0.stats })
    }

    private typealias Events = [(PresenceEvent.Kind, ClientInfo)]

    private func reap(_ presence: inout MemoryPresence, _ now: UInt64) -> Events {
        presence.reap(now: now, memory: PresenceTiming(ttl: rules.presenceTTL).memory.microseconds)
            .map { (.leave, $0) }
    }

    private func change(
        _ channel: ChannelName, _ body: (inout MemoryPresence, _ now: UInt64, _ expiry: UInt64) -> (Events, [ExactText])
    ) -> Result<PresenceChange, BrokerError> {
        guard let channelRules = rules.rules(channel), channelRules.keepsMembers else { return .failure(.noPresence) }
        metrics.counters.addShared(.presenceCalls)
        let now = clock.monotonicMicroseconds()
        return state.withLock { state in
            var presence = state.presence.removeValue(forKey: channel) ?? MemoryPresence()
            let (events, missing) = body(&presence, now, now + rules.presenceTTL.microseconds)
            if channelRules.joinLeave { post(events, channel, state) }
            let expiry = presence.nextExpiry()
            if !presence.isEmpty { state.presence[channel] = presence }
            let next = expiry.map { Duration.microseconds(Int64($0 > now ? $0 - now : 0)) }
            return .success(PresenceChange(missing: missing, nextExpiry: next))
        }
    }

    private func read<Value>(_ channel: ChannelName, _ body: (MemoryPresence) -> Value) -> Result<Value, BrokerError> {
        guard rules.rules(channel)?.presence == true else { return .failure(.noPresence) }
        _ = change(channel) { presence, now, _ in (reap(&presence, now), []) }
        return .success(state.withLock { body($0.presence[channel] ?? MemoryPresence()) })
    }

    private func post(_ events: Events, _ channel: ChannelName, _ state: State) {
        guard let wanted = state.wanted[channel] else { return }
        metrics.counters.addShared(.presenceEvents, events.count)
        let prepared = events.map { kind, info in
            let event = PresenceEvent(channel: channel, kind: kind, info: info)
            return BrokerEvent.presence(PreparedPresenceEvent(event, formats: formats))
        }
        var mask = wanted
        while mask != 0 {
            state.receivers[mask.trailingZeroBitCount].post(prepared, limit: maxBacklogBytes, metrics: metrics)
            mask &= mask - 1
        }
    }
}
