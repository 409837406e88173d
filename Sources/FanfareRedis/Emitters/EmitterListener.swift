import FanfareCore
import FanfareWire
import Logging
import NIOCore
import NIOPosix

/// Hears what emitters of Socket.IO publish to the node's Redis, to each of them where there are several. On a thread of its own, so
/// that no hostile message holds up clients.
public final class EmitterListener: Sendable {
    /// Something that was published.
    public struct Message: Sendable {
        public let channel: String
        /// The same on all nodes that heard it, and of no other message; `nil`: this node is new here, or was away, and others know it.
        public let name: String?
        /// Whether this node is one of those that publish it.
        public let isOurs: Bool
        /// `nil`: it is bigger than publications may be.
        public let payload: ByteBuffer?
    }

    private final class Sources {
        var sources: [EmitterSource] = []
    }

    private let instances: [RedisConfiguration]
    private let interest: EmitterLink.Interest
    private let node: NodeID
    private let nodeName: String
    private let metrics: CounterBlock<SharedCounter>
    private let logger: Logger
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let sources: NIOLoopBoundBox<Sources?>

    /// - Parameters:
    ///   - instances: at least one.
    ///   - patterns: as in `PSUBSCRIBE`.
    ///   - channels: as in `SUBSCRIBE`.
    public init(
        _ instances: [RedisConfiguration], patterns: [String], channels: [String], node: NodeID, nodeName: String,
        metrics: CounterBlock<SharedCounter>, logger: Logger
    ) {
        self.instances = instances
        interest = EmitterLink.Interest(patterns: patterns, channels: channels)
        (self.node, self.nodeName) = (node, nodeName)
        self.metrics = metrics
        self.logger = logger
        sources = NIOLoopBoundBox.makeEmptyBox(valueType: Sources.self, eventLoop: group.next())
    }

    /// - Parameter handler: called on the listener's thread, with each message in the order in which it came.
    public func start(_ handler: @escaping @Sendable (Message) -> Void) {
        sources.eventLoop.execute { [self] in
            let sources = Sources()
            self.sources.value = sources
            for instance in instances {
                let source = makeSource(instance, handler)
                sources.sources.append(source)
                source.start()
            }
        }
    }

    private func makeSource(_ instance: RedisConfiguration, _ handler: @escaping (Message) -> Void) -> EmitterSource {
        var seeds: [RedisEndpoint] = []
        if case .cluster(let endpoints) = instance.address { seeds = endpoints }
        let eventLoop = sources.eventLoop
        let make = { [interest, node, nodeName, metrics, logger] (address: RedisEndpoint?, isSilent: Bool) in
            var configuration = instance
            if let address { configuration.address = .host(address.host, port: address.port) }
            return EmitterLink(
                interest, configuration: configuration, isOfCluster: address != nil, node: node.rawValue,
                nodeName: nodeName, eventLoop: eventLoop, metrics: metrics, logger: logger, isSilent: isSilent)
        }
        return EmitterSource(seeds: seeds, eventLoop: eventLoop, make: make, handler: handler)
    }

    public func stop() async {
        try? await sources.eventLoop.submit { [self] in
            for source in sources.value?.sources ?? [] { source.stop() }
            sources.value = nil
        }.get()
        try? await group.shutdownGracefully()
    }
}
