import FanfareCore
import FanfareWire
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The broker over Redis Pub/Sub: two links, each on an event loop of its own, and a probe that goes through both.
///
/// See ``Broker`` for the contract. At most once: what Redis publishes while the subscribing link is down is lost.
public final class RedisBroker: Broker {
    private let configuration: RedisConfiguration
    private let nodeName: String
    private let metrics: BrokerMetrics
    private let formats: FormatsInUse
    private let logger: Logger
    private let clock: NodeClock
    private let group: MultiThreadedEventLoopGroup
    private let ownsGroup: Bool
    private let board = LinkBoard()
    private let probe: ProbeChannel
    private let subscriber: NIOLoopBoundBox<SubscriberLink?>
    private let publisher: NIOLoopBoundBox<PublisherLink?>
    private let wishes: Mailbox<SubscriberLink.Wish>
    private let orders: Mailbox<PublisherLink.Order>
    private let pendingCount = Atomic<Int>(0)
    private let pendingBytes = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)

    /// - Parameters:
    ///   - nodeName: for `CLIENT LIST`.
    ///   - group: event loops for the links; by default two threads of its own.
    public init(
        configuration: RedisConfiguration, nodeName: String, metrics: BrokerMetrics, formats: FormatsInUse,
        logger: Logger, clock: NodeClock = .system, group: MultiThreadedEventLoopGroup? = nil
    ) {
        self.configuration = configuration
        self.nodeName = nodeName
        self.metrics = metrics
        self.formats = formats
        self.logger = logger
        self.clock = clock
        self.ownsGroup = group == nil
        self.group = group ?? MultiThreadedEventLoopGroup(numberOfThreads: 2)
        self.probe = ProbeChannel(prefix: configuration.prefix, clock: clock)
        let subscriber = NIOLoopBoundBox.makeEmptyBox(valueType: SubscriberLink.self, eventLoop: self.group.next())
        let publisher = NIOLoopBoundBox.makeEmptyBox(valueType: PublisherLink.self, eventLoop: self.group.next())
        self.subscriber = subscriber
        self.publisher = publisher
        self.wishes = Mailbox(wake: { subscriber.eventLoop.execute { subscriber.value?.visitMailbox() } })
        self.orders = Mailbox(wake: { publisher.eventLoop.execute { publisher.value?.visitMailbox() } })
    }

    public var status: BrokerStatus { board.status }

    public func start(receivers: [Mailbox<BrokerEvent>]) {
        precondition(receivers.count <= 64, "the subscription book has 64 bits for receivers")
        subscriber.eventLoop.execute { [self] in
            let link = makeSubscriber(receivers)
            subscriber.value = link
            link.start()
        }
        publisher.eventLoop.execute { [self] in
            let link = makePublisher()
            publisher.value = link
            link.start()
        }
    }

    public func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {
        wishes.post(.subscribe(channel, receiver: receiver, ticket: ticket))
    }

    public func unsubscribe(_ channel: ChannelName, receiver: Int) {
        wishes.post(.unsubscribe(channel, receiver: receiver))
    }

    public func publish(
        _ publication: Publication, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        let size = publication.payload.bytes.readableBytes + Envelope.headerBytes
        guard !isStopped.load(ordering: .relaxed) else { return refuse(.unavailable, completion) }
        guard pendingCount.load(ordering: .relaxed) < configuration.maxPendingPublishes,
            pendingBytes.load(ordering: .relaxed) + size <= configuration.maxPendingBytes
        else { return refuse(.overloaded, completion) }
        pendingCount.add(1, ordering: .relaxed)
        pendingBytes.add(size, ordering: .relaxed)
        metrics.counters.addShared(.pendingPublishes)
        var message = ByteBufferAllocator().buffer(capacity: size)
        Envelope.writeHeader(publication, into: &message)
        message.writeImmutableBuffer(publication.payload.bytes)
        orders.post(
            PublisherLink.Order(
                channel: ByteBuffer(string: configuration.prefix + publication.channel.string), message: message,
                completion: { [self] result in
                    pendingCount.subtract(1, ordering: .relaxed)
                    pendingBytes.subtract(size, ordering: .relaxed)
                    metrics.counters.addShared(.pendingPublishes, -1)
                    completion(result)
                }))
    }

    public func shutdown() async {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        let deadline = ContinuousClock.now + .seconds(3)
        while pendingCount.load(ordering: .relaxed) > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
        let (subscriber, publisher) = (self.subscriber, self.publisher)
        try? await subscriber.eventLoop.submit { subscriber.value?.stop() }.get()
        try? await publisher.eventLoop.submit { publisher.value?.stop() }.get()
        if ownsGroup { try? await group.shutdownGracefully() }
    }

    private func refuse(
        _ error: BrokerError, _ completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        metrics.counters.addShared(.publishFailed)
        completion(.failure(error))
    }
}

extension RedisBroker {
    private func makeSubscriber(_ receivers: [Mailbox<BrokerEvent>]) -> SubscriberLink {
        let publisher = self.publisher
        return SubscriberLink(
            link: makeLink("subscribe", subscriber.eventLoop), configuration: configuration, metrics: metrics,
            formats: formats, clock: clock, board: board, inbox: wishes, receivers: receivers, probe: probe,
            onHearing: { publisher.eventLoop.execute { publisher.value?.sendProbe() } })
    }

    private func makePublisher() -> PublisherLink {
        let subscriber = self.subscriber
        return PublisherLink(
            link: makeLink("publish", publisher.eventLoop), configuration: configuration, metrics: metrics,
            clock: clock, board: board, inbox: orders, probe: probe,
            onSilence: { subscriber.eventLoop.execute { subscriber.value?.drop(.silent) } })
    }

    private func makeLink(_ name: String, _ eventLoop: any EventLoop) -> RedisLink {
        RedisLink(name: name, nodeName: nodeName, configuration: configuration, eventLoop: eventLoop, logger: logger)
    }
}
