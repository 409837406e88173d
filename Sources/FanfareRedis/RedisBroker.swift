import FanfareCore
import FanfareWire
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The broker over Redis Pub/Sub: three links, each on an event loop of its own. One subscribes, one publishes, and a probe
/// goes through both; the third reads, so that no read stands in the way of a publish.
///
/// See ``Broker`` for the contract. What Redis publishes while the subscribing link is down is read from the streams when
/// it is back; in channels without history it is lost, and counted as far as it can be told.
public final class RedisBroker: Broker {
    private let configuration: RedisConfiguration
    let rules: ChannelRulebook
    private let calls: StreamCalls
    let presenceCalls: PresenceCalls
    private let nodeName: String
    let metrics: BrokerMetrics
    private let formats: FormatTable
    private let logger: Logger
    private let clock: NodeClock
    private let group: MultiThreadedEventLoopGroup
    private let ownsGroup: Bool
    private let linkStates = LinkStates()
    private let probe: ProbeChannel
    private let onRedirect: @Sendable (String) -> Void
    private let subscriber: NIOLoopBoundBox<SubscriberLink?>
    private let publisher: NIOLoopBoundBox<PublisherLink?>
    private let reader: NIOLoopBoundBox<ReadLink?>
    private let wishes: Mailbox<SubscriberLink.Wish>
    private let orders: Mailbox<PublisherLink.Order>
    private let questions: Mailbox<ReadLink.Order>
    private let pages: Mailbox<FollowedStreams.Answer>
    private let pendingCount = Atomic<Int>(0)
    private let pendingBytes = Atomic<Int>(0)
    /// Reads of clients and backends that wait, and the bytes that they may bring.
    private let readCount = Atomic<Int>(0)
    private let readBytes = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)

    /// Links, and event loops that they take.
    static let links = 3

    /// - Parameters:
    ///   - nodeName: for `CLIENT LIST`.
    ///   - group: event loops for the links; by default threads of its own.
    ///   - probeTag: hash tag of the probe's channel, for a node of a Redis Cluster.
    ///   - onRedirect: called with the words by which such a node refuses a subscription or the probe.
    public init(
        configuration: RedisConfiguration, rules: ChannelRulebook = ChannelRulebook(), nodeName: String,
        metrics: BrokerMetrics, formats: FormatTable, logger: Logger, clock: NodeClock = .system,
        group: MultiThreadedEventLoopGroup? = nil, probeTag: String? = nil,
        onRedirect: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.rules = rules
        self.calls = StreamCalls(configuration)
        self.presenceCalls = PresenceCalls(
            streams: calls, ttl: rules.presenceTTL, now: { clock.wallMicroseconds() })
        self.nodeName = nodeName
        self.metrics = metrics
        self.formats = formats
        self.logger = logger
        self.clock = clock
        self.ownsGroup = group == nil
        self.group = group ?? MultiThreadedEventLoopGroup(numberOfThreads: Self.links)
        self.probe = ProbeChannel(prefix: configuration.channelPrefix, tag: probeTag, clock: clock)
        self.onRedirect = onRedirect
        let subscriber = NIOLoopBoundBox.makeEmptyBox(valueType: SubscriberLink.self, eventLoop: self.group.next())
        let publisher = NIOLoopBoundBox.makeEmptyBox(valueType: PublisherLink.self, eventLoop: self.group.next())
        let reader = NIOLoopBoundBox.makeEmptyBox(valueType: ReadLink.self, eventLoop: self.group.next())
        self.subscriber = subscriber
        self.publisher = publisher
        self.reader = reader
        self.wishes = Mailbox(wake: { subscriber.eventLoop.execute { subscriber.value?.visitMailbox() } })
        self.pages = Mailbox(wake: { subscriber.eventLoop.execute { subscriber.value?.visitPages() } })
        self.orders = Mailbox(wake: { publisher.eventLoop.execute { publisher.value?.visitMailbox() } })
        self.questions = Mailbox(wake: { reader.eventLoop.execute { reader.value?.visitMailbox() } })
    }

    public var status: BrokerStatus { linkStates.status }

    public func start(receivers: [Mailbox<BrokerEvent>]) {
        precondition(receivers.count <= 64, "the list of subscriptions has 64 bits for receivers")
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
        reader.eventLoop.execute { [self] in
            let link = makeReader(receivers)
            reader.value = link
            link.start()
        }
    }

    public func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {
        wishes.post(.subscribe(channel, receiver: receiver, ticket: ticket))
    }

    public func unsubscribe(_ channel: ChannelName, receiver: Int) {
        wishes.post(.unsubscribe(channel, receiver: receiver))
    }

    /// Takes over a subscription that is in force at another broker; there is no answer.
    ///
    /// - Parameter position: in a channel with history, what the receivers have; what comes after is theirs.
    func adopt(_ channel: ChannelName, receivers: [Int], position: StreamPosition?) {
        wishes.post(.adopt(channel, receivers: receivers, position: position))
    }

    /// Gives the probe another name, with that hash tag.
    func setProbe(tag: String) { wishes.post(.probe(tag: tag)) }

    public func publish(
        _ publication: Publication, options: PublishOptions,
        completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void
    ) {
        let publication = publication.excluding(options.excludedClient)
        let size = publication.size + Envelope.maximumHeaderBytes
        guard !publication.channel.isReserved else {
            return order(.publish(publication), size: size) { reply in
                completion(reply.map { PublishReceipt(receivers: $0.integer) })
            }
        }
        metrics.counters.addShared(.pendingPublishes)
        order(task(publication, options), size: size) { [metrics] result in
            metrics.counters.addShared(.pendingPublishes, -1)
            if case .success(let reply) = result { metrics.noteUnreadable(StreamCalls.removed(reply)) }
            let receipt = result.map(StreamCalls.receipt)
            switch receipt {
            case .success(let receipt): metrics.counters.addShared(receipt.isDuplicate ? .duplicates : .published)
            case .failure: metrics.counters.addShared(.publishFailed)
            }
            completion(receipt)
        }
    }

    public func history(
        _ channel: ChannelName, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void
    ) {
        metrics.counters.addShared(.historyReads)
        read(channel, SlicedRead(query), .second, since: now, completion)
    }

    /// Reads the next slice of a page, and those that follow.
    private func read(
        _ channel: ChannelName, _ read: SlicedRead, _ lane: ReadQueue<ReadLink.Order>.Lane, since began: UInt64,
        _ completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void
    ) {
        guard let retention = rules.rules(channel)?.history else { return completion(.failure(.noHistory)) }
        let query = read.next
        ask(
            calls.read(channel, query, retention), cost: read.cost, lane, since: began,
            { StreamCalls.page(channel, query, $0) }
        ) { [self] result in
            guard case .success(let slice) = result else { return completion(result) }
            metrics.noteUnreadable(slice.unreadable)
            metrics.noteSkipped(fields: slice.skippedFields)
            var read = read
            switch read.take(slice) {
            case .done(let page): completion(.success(page))
            case .goOn: self.read(channel, read, lane, since: began, completion)
            case .giveUp: completion(.failure(.unavailable))
            }
        }
    }

    public func removeHistory(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        guard rules.rules(channel)?.history != nil else { return completion(.failure(.noHistory)) }
        order(calls.remove(channel), size: Self.readSize) { completion($0.map { _ in }) }
    }

    private func task(_ publication: Publication, _ options: PublishOptions) -> PublisherLink.Order.Task {
        if let retention = rules.rules(publication.channel)?.history {
            return calls.publish(publication, retention, options)
        }
        guard let key = options.idempotencyKey else { return .publish(publication) }
        return calls.publishOnce(publication, idempotencyKey: key, lifetime: options.idempotencyLifetime)
    }

    /// What a command without a payload counts as among those that wait.
    private static let readSize = 256

    /// Asks the reading link, within the bounds of what may wait.
    ///
    /// - Parameters:
    ///   - cost: bytes of the reply, at most.
    ///   - waiting: bytes as which it counts among those that wait, if these are not the same.
    ///   - began: when whoever waits for it began to.
    func ask<Value>(
        _ task: @autoclosure () -> PublisherLink.Order.Task, cost: Int, waiting: Int? = nil,
        _ lane: ReadQueue<ReadLink.Order>.Lane, since began: UInt64, _ read: @escaping @Sendable (ReplyView) -> Value?,
        _ completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void
    ) {
        guard !isStopped.load(ordering: .relaxed) else { return completion(.failure(.unavailable)) }
        // Those of the node itself are few by themselves: see `RedisBounds.streamReads` and `change`.
        let counted = lane == .second ? waiting ?? cost : 0
        guard
            counted == 0
                || readCount.load(ordering: .relaxed) < configuration.maxPendingReads
                    && readBytes.load(ordering: .relaxed) + counted <= configuration.maxPendingReadBytes
        else { return completion(.failure(.overloaded)) }
        if counted > 0 {
            readCount.add(1, ordering: .relaxed)
            readBytes.add(counted, ordering: .relaxed)
        }
        questions.post(
            ReadLink.Order(
                task: task(), cost: cost, lane: lane, until: began + configuration.readPatience.microseconds,
                answer: { [self] result in
                    if counted > 0 {
                        readCount.subtract(1, ordering: .relaxed)
                        readBytes.subtract(counted, ordering: .relaxed)
                    }
                    completion(result.flatMap { read($0).map(Result.success) ?? .failure(.refused("odd answer")) })
                }))
    }

    /// Changes members over the reading link; accepted ones are finished before the broker ends, like publishes.
    func change<Value>(
        _ task: PublisherLink.Order.Task, size: Int, _ read: @escaping @Sendable (ReplyView) -> Value?,
        _ completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void
    ) {
        guard pendingCount.load(ordering: .relaxed) < configuration.maxPendingPublishes else {
            return completion(.failure(.overloaded))
        }
        pendingCount.add(1, ordering: .relaxed)
        ask(task, cost: size + Self.readSize, .first, since: now, read) { [self] result in
            pendingCount.subtract(1, ordering: .relaxed)
            completion(result)
        }
    }

    /// When a read begins, for its patience.
    var now: UInt64 { clock.monotonicMicroseconds() }

    /// Hands something to the publishing link, within the bounds of what may wait.
    private func order(
        _ task: @autoclosure () -> PublisherLink.Order.Task, size: Int,
        answer: @escaping @Sendable (Result<ReplyView, BrokerError>) -> Void
    ) {
        guard !isStopped.load(ordering: .relaxed) else { return answer(.failure(.unavailable)) }
        guard pendingCount.load(ordering: .relaxed) < configuration.maxPendingPublishes,
            pendingBytes.load(ordering: .relaxed) + size <= configuration.maxPendingBytes
        else { return answer(.failure(.overloaded)) }
        pendingCount.add(1, ordering: .relaxed)
        pendingBytes.add(size, ordering: .relaxed)
        orders.post(
            PublisherLink.Order(
                task: task(),
                answer: { [self] result in
                    pendingCount.subtract(1, ordering: .relaxed)
                    pendingBytes.subtract(size, ordering: .relaxed)
                    answer(result)
                }))
    }

    public func shutdown() async {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        let deadline = ContinuousClock.now + .seconds(3)
        while pendingCount.load(ordering: .relaxed) > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
        let (subscriber, publisher, reader) = (self.subscriber, self.publisher, self.reader)
        try? await subscriber.eventLoop.submit { subscriber.value?.stop() }.get()
        try? await publisher.eventLoop.submit { publisher.value?.stop() }.get()
        try? await reader.eventLoop.submit { reader.value?.stop() }.get()
        if ownsGroup { try? await group.shutdownGracefully() }
    }
}

extension RedisBroker {
    private func makeSubscriber(_ receivers: [Mailbox<BrokerEvent>]) -> SubscriberLink {
        let publisher = self.publisher
        return SubscriberLink(
            link: makeLink("subscribe", subscriber.eventLoop), configuration: configuration, metrics: metrics,
            formats: formats, clock: clock, linkStates: linkStates, inbox: wishes, receivers: receivers, probe: probe,
            rules: rules, pages: pages, onHearing: { publisher.eventLoop.execute { publisher.value?.sendProbe() } },
            onRead: { [weak self, onRedirect] read in
                guard let self else { return }
                metrics.counters.addShared(.historyReads)
                let sliced = SlicedRead(read.query, startsSmall: true)
                self.read(read.channel, sliced, .first, since: now) { [weak self] result in
                    if case .failure(.refused(let words)) = result { onRedirect(words) }
                    self?.pages.post(FollowedStreams.Answer(read: read, result: result))
                }
            }, onRedirect: onRedirect)
    }

    private func makePublisher() -> PublisherLink {
        let subscriber = self.subscriber
        return PublisherLink(
            link: makeLink("publish", publisher.eventLoop), configuration: configuration, metrics: metrics,
            clock: clock, linkStates: linkStates, inbox: orders, probe: probe,
            onSilence: { subscriber.eventLoop.execute { subscriber.value?.drop(.silent) } }, onRedirect: onRedirect,
            rights: RightsCheck(configuration, rules))
    }

    private func makeReader(_ receivers: [Mailbox<BrokerEvent>]) -> ReadLink {
        let subscriber = self.subscriber
        return ReadLink(
            link: makeLink("read", reader.eventLoop), configuration: configuration, metrics: metrics, clock: clock,
            linkStates: linkStates, inbox: questions,
            onReady: {
                subscriber.eventLoop.execute { subscriber.value?.retryReads() }
                for receiver in receivers { receiver.post(.returned) }
            })
    }

    private func makeLink(_ name: String, _ eventLoop: any EventLoop) -> RedisLink {
        RedisLink(name: name, nodeName: nodeName, configuration: configuration, eventLoop: eventLoop, logger: logger)
    }
}
