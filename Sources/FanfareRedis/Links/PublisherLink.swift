import FanfareCore
import FanfareWire
import NIOCore
import Synchronization

/// The link that speaks: publishes in order, many at a time, and tells each what became of it.
///
/// Lives on its own event loop.
final class PublisherLink: RedisLinkOwner {
    /// Something to publish.
    struct Order: Sendable {
        /// The channel's name in Redis.
        let channel: ByteBuffer
        /// The whole message.
        let message: ByteBuffer
        let completion: @Sendable (Result<Void, BrokerError>) -> Void
    }

    private struct Pending {
        let sentAt: UInt64
        let completion: @Sendable (Result<Void, BrokerError>) -> Void
    }

    private let link: RedisLink
    private let configuration: RedisConfiguration
    private let metrics: BrokerMetrics
    private let clock: NodeClock
    private let board: LinkBoard
    private let inbox: Mailbox<Order>
    private let probe: ProbeChannel
    private let onSilence: () -> Void
    private var pending = CircularBuffer<Pending>()
    private var tasks: [RepeatedTask] = []

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, clock: NodeClock,
        board: LinkBoard, inbox: Mailbox<Order>, probe: ProbeChannel, onSilence: @escaping () -> Void
    ) {
        self.link = link
        self.configuration = configuration
        self.metrics = metrics
        self.clock = clock
        self.board = board
        self.inbox = inbox
        self.probe = probe
        self.onSilence = onSilence
    }

    func start() {
        link.start(owner: self)
        visitMailbox()
        repeated(every: max(10_000, configuration.commandTimeout.microseconds / 4)) { $0.dropIfOverdue() }
        repeated(every: configuration.probeInterval.microseconds) { $0.sendProbe() }
    }

    func stop() {
        for task in tasks { task.cancel() }
        link.stop()
        failPending(.unknownOutcome)
    }

    /// Sends the next probe, if both links can carry one. After two that did not come back the publishing link is
    /// dropped, and `onSilence` drops the other.
    func sendProbe() {
        guard link.isReady, let (number, silent) = probe.next() else { return }
        if silent > 0 {
            metrics.counters.addShared(.probesLost)
            board.set(.probe, "\(silent) did not come back")
        }
        guard silent < 2 else {
            onSilence()
            return link.drop(.silent)
        }
        publish([
            Order(
                channel: ByteBuffer(string: probe.name), message: Envelope.probeBytes(number), completion: { _ in })
        ])
    }

    /// Publishes what came since the last visit with one write.
    func visitMailbox() { publish(inbox.take()) }

    private func publish(_ orders: [Order]) {
        guard link.isReady else {
            for order in orders { complete(order.completion, .failure(.unavailable)) }
            return
        }
        let now = clock.monotonicMicroseconds()
        let verb = ByteBuffer(string: "PUBLISH")
        var bytes = ByteBuffer()
        for order in orders {
            RedisCommand.write([verb, order.channel, order.message], into: &bytes)
            pending.append(Pending(sentAt: now, completion: order.completion))
        }
        link.write(bytes)
    }

    func linkIsReady() {
        if link.connections > 1 { metrics.counters.addShared(.reconnects) }
        board.set(.publish, nil)
        sendProbe()
    }

    func linkIsLost(_ problem: String) {
        board.set(.publish, problem)
        failPending(.unknownOutcome)
    }

    func received(_ reply: ReplyView) {
        guard let first = pending.popFirst() else {
            return link.drop(.protocolError("an answer to nothing"))
        }
        guard let words = reply.error else { return complete(first.completion, .success(())) }
        complete(first.completion, .failure(.refused(words)))
        // These concern all publishes, and another connection may reach a Redis that takes them.
        if words.hasPrefix("READONLY") || words.hasPrefix("LOADING") || words.hasPrefix("NOAUTH") {
            link.drop(.refused(command: "PUBLISH", words: words))
        }
    }

    func receivedBurst() {}

    private func complete(
        _ completion: @Sendable (Result<Void, BrokerError>) -> Void, _ result: Result<Void, BrokerError>
    ) {
        switch result {
        case .success: metrics.counters.addShared(.published)
        case .failure: metrics.counters.addShared(.publishFailed)
        }
        completion(result)
    }

    private func failPending(_ error: BrokerError) {
        while let first = pending.popFirst() { complete(first.completion, .failure(error)) }
    }

    private func repeated(every microseconds: UInt64, _ body: @escaping @Sendable (PublisherLink) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let period = TimeAmount.microseconds(Int64(microseconds))
        tasks.append(
            link.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in body(bound.value) })
    }

    private func dropIfOverdue() {
        guard let oldest = pending.first else { return }
        let waited = clock.monotonicMicroseconds() &- oldest.sentAt
        if waited > configuration.commandTimeout.microseconds { link.drop(.timeout("PUBLISH")) }
    }
}
