import FanfareCore
import FanfareWire
import Logging
import NIOCore
import NIOPosix

/// How Redis is set up: makes the broker that fits.
public struct RedisTopology: Sendable {
    /// One Redis, or several that share the channels.
    let instances: [RedisConfiguration]
    let rules: ChannelRulebook
    let nodeName: String
    let metrics: BrokerMetrics
    let formats: FormatTable
    let logger: Logger
    let clock: NodeClock

    /// - Parameters:
    ///   - instances: at least one.
    ///   - nodeName: for `CLIENT LIST`.
    public init(
        _ instances: [RedisConfiguration], rules: ChannelRulebook = ChannelRulebook(), nodeName: String,
        metrics: BrokerMetrics, formats: FormatTable, logger: Logger, clock: NodeClock = .system
    ) {
        self.instances = instances
        self.rules = rules
        self.nodeName = nodeName
        self.metrics = metrics
        self.formats = formats
        self.logger = logger
        self.clock = clock
    }

    /// The broker over all instances.
    public func makeBroker() -> any Broker {
        if let only = instances.first, instances.count == 1 { return makeBroker(only, group: nil) }
        let group = Self.threads(instances: instances.count)
        let shards = instances.map { instance in
            ShardedBroker.Shard(name: instance.redactedURL, broker: makeBroker(instance, group: group))
        }
        return ShardedBroker(shards) { try? await group.shutdownGracefully() }
    }

    private func makeBroker(_ instance: RedisConfiguration, group: MultiThreadedEventLoopGroup?) -> any Broker {
        if case .cluster(let seeds) = instance.address {
            return ClusterBroker(
                configuration: instance, seeds: seeds, rules: rules, nodeName: nodeName, metrics: metrics,
                formats: formats, logger: logger, clock: clock, group: group)
        }
        return RedisBroker(
            configuration: instance, rules: rules, nodeName: nodeName, metrics: metrics, formats: formats,
            logger: logger, clock: clock, group: group)
    }

    /// Event loops for the links of that many instances. They are taken in turn: one that subscribes, one that publishes,
    /// one that reads, so their number can be divided by three; a thread carries a million messages a second, so few will
    /// do.
    static func threads(instances: Int) -> MultiThreadedEventLoopGroup {
        let sets = max(1, min(instances, System.coreCount / 4))
        return MultiThreadedEventLoopGroup(numberOfThreads: RedisBroker.links * sets)
    }
}
