import FanfareCore
import NIOCore

/// The link that reads: histories, and who is in a channel. It has its own connection, so that no reply stands in front of
/// a publish's, and a ``ReadQueue``, so that Redis never has more than a few milliseconds of reads to do.
///
/// Members are joined and refreshed here, too: who asks for a channel's members has to find itself among them, so both have
/// to go the same way.
///
/// Reading on another connection than publishing keeps the promise that matters: Redis has carried out a publish before it
/// confirms it, so a read that begins after the confirmation sees it. Lives on its own event loop.
final class ReadLink: RedisLinkOwner {
    /// Something to ask, and who wants to know the answer.
    struct Order: Sendable {
        let task: PublisherLink.Order.Task
        /// Bytes of the reply, about.
        let cost: Int
        let lane: ReadQueue<Order>.Lane
        /// When the asker gives up, as long as Redis was not asked; microseconds of the monotonic clock.
        let until: UInt64
        /// Called on the link's event loop, exactly once; the reply is only valid within the call.
        let answer: @Sendable (Result<ReplyView, BrokerError>) -> Void
    }

    private struct Asked {
        let order: Order
        /// What the queue is told when it is answered.
        let cost: Int
    }

    private let link: RedisLink
    private let configuration: RedisConfiguration
    private let clock: NodeClock
    private let linkStates: LinkStates
    private let inbox: Mailbox<Order>
    private let onReady: () -> Void
    private let pipeline: CommandPipeline<Asked>
    private var queue = ReadQueue<Order>()
    private var watch: RepeatedTask?

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, clock: NodeClock,
        linkStates: LinkStates, inbox: Mailbox<Order>, onReady: @escaping () -> Void
    ) {
        self.link = link
        self.configuration = configuration
        self.clock = clock
        self.linkStates = linkStates
        self.inbox = inbox
        self.onReady = onReady
        self.pipeline = CommandPipeline(link: link, configuration: configuration, metrics: metrics, clock: clock)
    }

    func start() {
        link.start(owner: self)
        visitMailbox()
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let period = TimeAmount.microseconds(Int64(max(10_000, configuration.commandTimeout.microseconds / 8)))
        watch = link.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in bound.value.look() }
    }

    func stop() {
        watch?.cancel()
        link.stop()
        fail()
        for order in inbox.take() { order.answer(.failure(.unavailable)) }
    }

    /// Takes what came since the last visit; what may leave now leaves with one write.
    func visitMailbox() {
        for order in inbox.take() {
            guard pipeline.isReady else {
                order.answer(.failure(.unavailable))
                continue
            }
            queue.add(order, cost: order.cost, lane: order.lane, until: order.until)
        }
        send()
    }

    func linkIsReady() { pipeline.prepare() }

    func linkIsLost(_ problem: String) {
        linkStates.set(.read, problem)
        fail()
    }

    func received(_ reply: ReplyView) {
        switch pipeline.received(reply) {
        case .nothing: break
        case .ready:
            linkStates.set(.read, nil)
            onReady()
        case .command(let asked):
            queue.answered(cost: asked.cost)
            guard let words = reply.error else { return asked.order.answer(.success(reply)) }
            if words.hasPrefix("NOSCRIPT") { return sendAgain(asked.order) }
            asked.order.answer(.failure(.refused(words)))
            pipeline.refused(words)
        }
    }

    func receivedBurst() { send() }

    private func send() {
        guard pipeline.isReady else { return }
        let now = clock.monotonicMicroseconds()
        var bytes = ByteBuffer()
        while let (order, cost) = queue.next() {
            switch order.task {
            case .script(let script, _, let keys, let arguments):
                guard let call = pipeline.scripts.call(script, keys, arguments) else {
                    queue.answered(cost: cost)
                    let words = pipeline.scripts.problem ?? "scripts"
                    order.answer(.failure(.refused(words)))
                    link.note(refusal: words)
                    continue
                }
                RedisCommand.write(call, into: &bytes)
            case .command(let arguments):
                RedisCommand.write(arguments, into: &bytes)
            case .publish:
                preconditionFailure("publications go over the publishing link")
            }
            pipeline.append(Asked(order: order, cost: cost), now: now)
        }
        if bytes.readableBytes > 0 { link.write(bytes) }
    }

    /// Somebody emptied Redis' script cache: the script goes along this time, and Redis knows it again. Reads have no order
    /// among each other.
    private func sendAgain(_ order: Order) {
        guard case .script(let script, _, let keys, let arguments) = order.task else {
            return order.answer(.failure(.refused("NOSCRIPT")))
        }
        var bytes = ByteBuffer()
        RedisCommand.write(pipeline.scripts.wholeCall(script, keys, arguments), into: &bytes)
        // Counted as answered already: this happens once in a Redis' life.
        pipeline.append(Asked(order: order, cost: 0), now: clock.monotonicMicroseconds())
        link.write(bytes)
    }

    /// What was asked may have been done, for members are changed here, too.
    private func fail() {
        let waiting = queue.empty()
        for order in pipeline.empty().map(\.order) + waiting { order.answer(.failure(.unavailable)) }
    }

    /// Drops a link that does not answer, and tells those who have waited too long for their turn.
    private func look() {
        let now = clock.monotonicMicroseconds()
        for order in queue.overdue(now: now) { order.answer(.failure(.overloaded)) }
        pipeline.dropIfOverdue("a read", now: now)
    }
}
