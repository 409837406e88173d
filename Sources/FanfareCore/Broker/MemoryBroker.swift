import FanfareWire
import Synchronization

/// The broker of a node that stands alone: publications go from loop to loop in memory. Never down; what it keeps ends
/// with the process.
///
/// Posting happens under the lock, so that two loops see the publications of a channel in the same order.
///
/// An event loop that does not keep up makes publishers wait, not subscribers lose: while its mailbox is full, publishes
/// into its channels are refused with ``BrokerError/overloaded``, and nothing of them is kept. Here the publisher is at
/// hand and can be told; a broker that hears from a network can only drop (``Mailbox/post(_:limit:metrics:)``).
public final class MemoryBroker: Broker {
    struct State {
        var receivers: [Mailbox<BrokerEvent>] = []
        /// Channel → bit mask of the receivers that want it.
        var wanted: [ChannelName: UInt64] = [:]
        /// Only publishing makes one.
        var streams: [ChannelName: MemoryStream] = [:]
        var epochs = StreamEpochs()
        var receipts = MemoryReceipts()
        var presence: [ChannelName: MemoryPresence] = [:]
        /// History publishes since old streams were looked for.
        var unswept = 0
    }

    let state = Mutex(State())
    let rules: ChannelRulebook
    let formats: FormatTable
    let metrics: BrokerMetrics
    let clock: NodeClock
    let maxBacklogBytes: Int

    public init(
        rules: ChannelRulebook = ChannelRulebook(), formats: FormatTable, metrics: BrokerMetrics,
        clock: NodeClock = .system, maxBacklogBytes: Int = MemoryBroker.maximumBacklogBytes
    ) {
        self.rules = rules
        self.formats = formats
        self.metrics = metrics
        self.clock = clock
        self.maxBacklogBytes = maxBacklogBytes
    }

    public var status: BrokerStatus { BrokerStatus(isUp: true) }

    public func start(receivers: [Mailbox<BrokerEvent>]) {
        state.withLock { $0.receivers = receivers }
    }

    public func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {
        let retention = rules.rules(channel)?.history
        let now = clock.monotonicMicroseconds()
        state.withLock { state in
            let before = state.wanted[channel, default: 0]
            state.wanted[channel] = before | 1 << UInt64(receiver)
            if before == 0, !channel.isReserved { metrics.counters.addShared(.channels) }
            let position = retention.map { _ in
                state.streams[channel]?.open(now) ?? StreamPosition(offset: 0, epoch: state.epochs.next(channel))
            }
            state.receivers[receiver].post(.subscribed(channel, ticket: ticket, position: position))
        }
    }

    public func unsubscribe(_ channel: ChannelName, receiver: Int) {
        state.withLock { state in
            guard let before = state.wanted[channel] else { return }
            let after = before & ~(1 << UInt64(receiver))
            state.wanted[channel] = after == 0 ? nil : after
            if after == 0, !channel.isReserved { metrics.counters.addShared(.channels, -1) }
        }
    }

    public func publish(
        _ publication: Publication, options: PublishOptions,
        completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void
    ) {
        let result =
            if let client = options.excludedClient {
                publish(publication.excluding(client), options)
            } else {
                publish(publication, options)
            }
        guard !publication.channel.isReserved else { return completion(result) }
        switch result {
        case .success(let receipt) where !receipt.isDuplicate:
            metrics.counters.addShared(.published)
            metrics.counters.addShared(.received)
        case .success: metrics.counters.addShared(.duplicates)
        case .failure: metrics.counters.addShared(.publishFailed)
        }
        completion(result)
    }

    public func history(
        _ channel: ChannelName, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void
    ) {
        guard let retention = rules.rules(channel)?.history else { return completion(.failure(.noHistory)) }
        metrics.counters.addShared(.historyReads)
        let now = clock.monotonicMicroseconds()
        let page = state.withLock { state in
            state.streams[channel]?.read(query, retention: retention, now: now)
                ?? HistoryPage(
                    publications: [], position: StreamPosition(offset: 0, epoch: state.epochs.next(channel)))
        }
        completion(.success(page))
    }

    public func removeHistory(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        guard rules.rules(channel)?.history != nil else { return completion(.failure(.noHistory)) }
        state.withLock { $0.streams[channel]?.clear() }
        completion(.success(()))
    }

    public func shutdown() async {}

    private func publish(
        _ publication: Publication, _ options: PublishOptions
    ) -> Result<PublishReceipt, BrokerError> {
        let retention = rules.rules(publication.channel)?.history
        let wall = clock.wallMicroseconds()
        // Where it matters when it came.
        let now = retention == nil && options.idempotencyKey == nil ? 0 : clock.monotonicMicroseconds()
        // Encoded outside the lock where the publication is complete before it.
        let plain = retention == nil ? prepare(publication, wall) : nil
        return state.withLock { state in
            if let key = options.idempotencyKey,
                let known = state.receipts.find(publication.channel, key, now: now)
            {
                return .success(known)
            }
            let receivers = state.wanted[publication.channel] ?? 0
            guard hasRoom(for: publication, in: receivers, state) else { return .failure(.overloaded) }
            var prepared = plain
            var position: StreamPosition?
            if let retention {
                guard room(&state, publication.channel, now: now) else { return .failure(.overloaded) }
                let isNew = state.streams[publication.channel] == nil
                let epoch = isNew ? state.epochs.next(publication.channel) : ""
                let kept = state.streams[publication.channel, default: MemoryStream(epoch: epoch, now: now)]
                    .append(publication, retention: retention, now: now)
                position = kept.position
                prepared = prepare(kept, wall)
            }
            if let prepared { post(prepared, to: receivers, state) }
            let receipt = PublishReceipt(position: position)
            if let key = options.idempotencyKey { state.receipts.note(receipt, publication.channel, key, now: now) }
            return .success(receipt)
        }
    }

    private func prepare(_ publication: Publication, _ now: UInt64) -> PreparedPublication {
        PreparedPublication(publication, formats: formats, receivedAt: now)
    }

    /// Whether every receiver of its channel can take a publication. Under the lock nobody else posts what weighs.
    private func hasRoom(for publication: Publication, in receivers: UInt64, _ state: borrowing State) -> Bool {
        guard receivers != 0 else { return true }
        let weight = publication.size + BrokerEvent.overhead
        var mask = receivers
        while mask != 0 {
            guard state.receivers[mask.trailingZeroBitCount].hasRoom(for: weight, limit: maxBacklogBytes) else {
                return false
            }
            mask &= mask - 1
        }
        return true
    }

    private func post(_ prepared: PreparedPublication, to receivers: UInt64, _ state: borrowing State) {
        guard receivers != 0 else { return }
        let event = BrokerEvent.publication(prepared)
        var mask = receivers
        while mask != 0 {
            state.receivers[mask.trailingZeroBitCount].post(event, weight: event.weight)
            mask &= mask - 1
        }
    }

    /// Whether the channel's stream may be there. From time to time streams go that nobody used for longer than they
    /// keep anything, so that channels which are used once don't add up.
    private func room(_ state: inout State, _ channel: ChannelName, now: UInt64) -> Bool {
        state.unswept += 1
        let isFull = state.streams[channel] == nil && state.streams.count >= Self.maximumStreams
        if state.unswept >= max(1_024, state.streams.count) {
            state.unswept = 0
            for (name, stream) in state.streams where state.wanted[name] == nil {
                guard let age = rules.rules(name)?.history?.positionAge, stream.usedAt + age.microseconds < now else {
                    continue
                }
                state.streams[name] = nil
                state.epochs.end(name)
            }
        }
        return !isFull || state.streams.count < Self.maximumStreams
    }
}
