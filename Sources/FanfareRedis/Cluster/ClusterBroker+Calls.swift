import FanfareCore
import FanfareWire
import NIOCore

/// What is asked of the node that owns a channel's slot.
extension ClusterBroker {

    typealias Answer<Value> = @Sendable (Result<Value, BrokerError>) -> Void
    typealias Call<Value> = @Sendable (RedisBroker, @escaping Answer<Value>) -> Void

    /// What became of a call so far.
    private struct Attempts {
        var wasMoved = false
        var pauses = 0
        var wasRedirected: Bool { wasMoved || pauses > 0 }
    }

    public func publish(
        _ publication: Publication, options: PublishOptions,
        completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void
    ) {
        call(
            publication.channel, { $0.publish(publication, options: options, completion: $1) }, Attempts(), completion)
    }

    public func history(
        _ channel: ChannelName, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void
    ) {
        call(channel, { $0.history(channel, query, completion: $1) }, Attempts(), completion)
    }

    public func removeHistory(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        call(channel, { $0.removeHistory(channel, completion: $1) }, Attempts(), completion)
    }

    /// Calls the owner of a channel.
    func call<Value: Sendable>(
        _ channel: ChannelName, _ completion: @escaping Answer<Value>, _ body: @escaping Call<Value>
    ) { call(channel, body, Attempts(), completion) }

    /// Calls the owner. A redirect to another one is followed once; while a slot is on its way the call waits, for two
    /// seconds at most.
    private func call<Value: Sendable>(
        _ channel: ChannelName, _ body: @escaping Call<Value>, _ attempts: Attempts,
        _ completion: @escaping Answer<Value>
    ) {
        let owner = state.withLock { state in
            state.machine.home(of: channel).flatMap { home in state.nodes[home].map { (home, $0.broker) } }
        }
        guard let (endpoint, broker) = owner else {
            return attempts.wasRedirected
                ? later(channel, body, attempts, completion) : completion(.failure(.unavailable))
        }
        body(broker) { [self] result in
            switch result {
            case .failure(.refused(let words)):
                switch redirected(words, by: endpoint) {
                case .moved where !attempts.wasMoved:
                    var attempts = attempts
                    attempts.wasMoved = true
                    call(channel, body, attempts, completion)
                case .moved, .later: later(channel, body, attempts, completion)
                case nil: completion(result)
                }
            // The new owner is not connected yet.
            case .failure(.unavailable) where attempts.wasRedirected: later(channel, body, attempts, completion)
            default: completion(result)
            }
        }
    }

    private func later<Value: Sendable>(
        _ channel: ChannelName, _ body: @escaping Call<Value>, _ attempts: Attempts,
        _ completion: @escaping Answer<Value>
    ) {
        guard attempts.pauses < RedisBounds.slotRetries, !state.withLock(\.isStopped) else {
            return completion(.failure(.unavailable))
        }
        guard waitingCalls.load(ordering: .relaxed) < configuration.maxPendingPublishes else {
            return completion(.failure(.overloaded))
        }
        waitingCalls.add(1, ordering: .relaxed)
        var attempts = attempts
        attempts.pauses += 1
        group.any().scheduleTask(in: RedisBounds.slotRetryPause) { [self, attempts] in
            waitingCalls.subtract(1, ordering: .relaxed)
            call(channel, body, attempts, completion)
        }
    }
}
