import FanfareWire

/// Spreads channels over several brokers that know nothing of each other: each channel lives on one of them, so its
/// order is that broker's.
///
/// The brokers count in the same ``BrokerMetrics``.
public final class ShardedBroker: Broker {
    /// One of the brokers.
    public struct Shard: Sendable {
        /// For operators; holds no secret.
        public let name: String
        public let broker: any Broker

        public init(name: String, broker: any Broker) {
            self.name = name
            self.broker = broker
        }
    }

    private let shards: [Shard]
    private let onShutdown: @Sendable () async -> Void

    /// - Parameters:
    ///   - shards: at least one; their order decides where a channel lives, on all nodes the same.
    ///   - onShutdown: frees what the brokers share, after all of them are shut down.
    public init(_ shards: [Shard], onShutdown: @escaping @Sendable () async -> Void = {}) {
        precondition(!shards.isEmpty, "a channel has to live somewhere")
        self.shards = shards
        self.onShutdown = onShutdown
    }

    /// Up only when all are: a node that lacks one lacks a part of the channels.
    public var status: BrokerStatus {
        for (index, shard) in shards.enumerated() {
            let status = shard.broker.status
            if !status.isUp {
                let place = "shard \(index + 1) of \(shards.count) (\(shard.name))"
                return BrokerStatus(isUp: false, problem: "\(place): \(status.problem ?? "is away")")
            }
        }
        return BrokerStatus(isUp: true)
    }

    public func start(receivers: [Mailbox<BrokerEvent>]) {
        for shard in shards { shard.broker.start(receivers: receivers) }
    }

    public func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {
        broker(of: channel).subscribe(channel, receiver: receiver, ticket: ticket)
    }

    public func unsubscribe(_ channel: ChannelName, receiver: Int) {
        broker(of: channel).unsubscribe(channel, receiver: receiver)
    }

    public func publish(
        _ publication: Publication, options: PublishOptions,
        completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void
    ) {
        broker(of: publication.channel).publish(publication, options: options, completion: completion)
    }

    public func history(
        _ channel: ChannelName, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void
    ) {
        broker(of: channel).history(channel, query, completion: completion)
    }

    public func removeHistory(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        broker(of: channel).removeHistory(channel, completion: completion)
    }

    public func shutdown() async {
        await withTaskGroup(of: Void.self) { group in
            for shard in shards { group.addTask { await shard.broker.shutdown() } }
        }
        await onShutdown()
    }

    func broker(of channel: ChannelName) -> any Broker {
        shards[ChannelShard.index(of: channel, among: shards.count)].broker
    }
}
