import FanfareWire

/// What happens when a burst does not fit the mailbox of an event loop that is too far behind. One rule for all brokers.
extension Mailbox where Event == BrokerEvent {
    /// Adds a burst, unless more than `limit` bytes would wait. Then its publications, joins and leaves are dropped and
    /// counted, and its answers are added all the same: somebody waits for each of them. Subscribers of a channel with
    /// history are told where it goes on, so that they read what was dropped and never have a silent gap. Any thread.
    public func post(_ burst: [BrokerEvent], limit: Int, metrics: BrokerMetrics) {
        guard !burst.isEmpty else { return }
        let weight = burst.reduce(0) { $0 + $1.weight }
        guard !post(contentsOf: burst, weight: weight, limit: limit) else { return }
        post(contentsOf: Self.whatIsNeverLost(of: burst, metrics))
    }

    private static func whatIsNeverLost(of burst: [BrokerEvent], _ metrics: BrokerMetrics) -> [BrokerEvent] {
        var kept: [BrokerEvent] = []
        /// Channels of which something was dropped, and the last position that was.
        var cut: [ChannelName: StreamPosition] = [:]
        for event in burst {
            switch event {
            case .publication(let prepared):
                metrics.counters.addShared(.dropped)
                if let position = prepared.publication.position { cut[prepared.publication.channel] = position }
            case .presence:
                metrics.counters.addShared(.dropped)
            case .subscribed(let channel, _, _), .subscribeFailed(let channel, _, _), .insufficient(let channel, _):
                // What was dropped before it is behind this subscriber: it must not be sent back there.
                cut[channel] = nil
                kept.append(event)
            case .history, .returned:
                kept.append(event)
            }
        }
        for (channel, position) in cut {
            metrics.counters.addShared(.insufficient)
            kept.append(.insufficient(channel, position: position))
        }
        return kept
    }
}

extension BrokerEvent {
    /// Bytes that it takes in a mailbox, about. Answers weigh nothing: they are bounded by those who ask.
    public var weight: Int {
        switch self {
        case .publication(let prepared): prepared.publication.size + Self.overhead
        case .presence: Self.overhead
        case .subscribed, .subscribeFailed, .insufficient, .history, .returned: 0
        }
    }
}
