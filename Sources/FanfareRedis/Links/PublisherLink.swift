import FanfareCore
import FanfareWire
import NIOCore
import Synchronization

/// The link that speaks: commands and scripts in order, many at a time, and each gets its answer.
///
/// Lives on its own event loop.
final class PublisherLink: RedisLinkOwner {
    /// Something to do, and who wants to know what came of it.
    struct Order: Sendable {
        enum Task: Sendable {
            case command([ByteBuffer])
            /// A publication of a channel without history; numbered here, where the order is.
            case publish(Publication)
            /// Keys and arguments; the run of Redis is put before the arguments here.
            case script(RedisScript, keys: [ByteBuffer], arguments: [ByteBuffer])
        }

        let task: Task
        /// Called on the link's event loop, exactly once; the reply is only valid within the call.
        let answer: @Sendable (Result<ReplyView, BrokerError>) -> Void
    }

    private struct Pending {
        let sentAt: UInt64
        /// `nil`: part of the link's preparation.
        let order: Order?
    }

    private let link: RedisLink
    private let configuration: RedisConfiguration
    private let metrics: BrokerMetrics
    private let clock: NodeClock
    private let board: LinkBoard
    private let inbox: Mailbox<Order>
    private let probe: ProbeChannel
    private let onReady: () -> Void
    private let onSilence: () -> Void
    private let calls: StreamCalls
    private var numbers = PublisherNumbers()
    private let onRedirect: @Sendable (String) -> Void
    private var scripts = LoadedScripts()
    private var pending = CircularBuffer<Pending>()
    private var tasks: [RepeatedTask] = []

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, clock: NodeClock,
        board: LinkBoard, inbox: Mailbox<Order>, probe: ProbeChannel, onReady: @escaping () -> Void,
        onSilence: @escaping () -> Void, onRedirect: @escaping @Sendable (String) -> Void
    ) {
        self.link = link
        self.configuration = configuration
        self.metrics = metrics
        self.clock = clock
        self.board = board
        self.inbox = inbox
        self.probe = probe
        self.onReady = onReady
        self.onSilence = onSilence
        self.onRedirect = onRedirect
        self.calls = StreamCalls(prefix: configuration.prefix, kind: configuration.pubSub)
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
        guard isReady, let (number, silent) = probe.next() else { return }
        if silent > 0 {
            metrics.counters.addShared(.probesLost)
            board.set(.probe, "\(silent) did not come back")
        }
        guard silent < 2 else {
            onSilence()
            return link.drop(.silent)
        }
        let command = [configuration.pubSub.publish, ByteBuffer(string: probe.name), Envelope.probeBytes(number)]
        // A node of a cluster that is no master any more still has its subscribers; it refuses what is published.
        let onRedirect = self.onRedirect
        let order = Order(task: .command(command)) { result in
            if case .failure(.refused(let words)) = result { onRedirect(words) }
        }
        send([order])
    }

    /// Sends what came since the last visit with one write.
    func visitMailbox() { send(inbox.take()) }

    func linkIsReady() {
        if link.connections > 1 { metrics.counters.addShared(.reconnects) }
        scripts = LoadedScripts()
        var bytes = ByteBuffer()
        let now = clock.monotonicMicroseconds()
        for command in scripts.preparation {
            RedisCommand.write(command, into: &bytes)
            pending.append(Pending(sentAt: now, order: nil))
        }
        link.write(bytes)
    }

    func linkIsLost(_ problem: String) {
        scripts = LoadedScripts()
        board.set(.publish, problem)
        failPending(.unknownOutcome)
    }

    func received(_ reply: ReplyView) {
        guard let first = pending.popFirst() else {
            return link.drop(.protocolError("an answer to nothing"))
        }
        guard let order = first.order else { return prepared(reply) }
        guard let words = reply.error else { return order.answer(.success(reply)) }
        if words.hasPrefix("NOSCRIPT") { return sendAgain(order) }
        order.answer(.failure(.refused(words)))
        link.note(refusal: words)
        // These concern all commands, and another connection may reach a Redis that takes them.
        if words.hasPrefix("READONLY") || words.hasPrefix("LOADING") || words.hasPrefix("NOAUTH")
            || words.hasPrefix("MASTERDOWN")
        {
            link.drop(.refused(command: "a command", words: configuration.showing(words)))
        }
    }

    func receivedBurst() {}

    /// Whether the link is up and knows what scripts need.
    private var isReady: Bool { link.isReady && scripts.isComplete }

    private func prepared(_ reply: ReplyView) {
        scripts.note(reply)
        guard scripts.isComplete else { return }
        board.set(.publish, nil)
        onReady()
        sendProbe()
    }

    private func send(_ orders: [Order]) {
        guard isReady else {
            for order in orders { order.answer(.failure(.unavailable)) }
            return
        }
        let now = clock.monotonicMicroseconds()
        var bytes = ByteBuffer()
        for order in orders {
            switch order.task {
            case .command(let arguments): RedisCommand.write(arguments, into: &bytes)
            case .publish(let publication):
                let message = numbers.message(publication)
                RedisCommand.write(
                    [calls.kind.publish, calls.name(publication.channel), message], into: &bytes)
            case .script(let script, let keys, let arguments):
                guard let call = scripts.call(script, keys, arguments) else {
                    let words = scripts.problem ?? "scripts"
                    order.answer(.failure(.refused(words)))
                    link.note(refusal: words)
                    continue
                }
                RedisCommand.write(call, into: &bytes)
            }
            pending.append(Pending(sentAt: now, order: order))
        }
        link.write(bytes)
    }

    /// Somebody emptied Redis' script cache: the script goes along this time, and Redis knows it again.
    private func sendAgain(_ order: Order) {
        guard case .script(let script, let keys, let arguments) = order.task else {
            return order.answer(.failure(.refused("NOSCRIPT")))
        }
        var bytes = ByteBuffer()
        RedisCommand.write(scripts.wholeCall(script, keys, arguments), into: &bytes)
        pending.append(Pending(sentAt: clock.monotonicMicroseconds(), order: order))
        link.write(bytes)
    }

    private func failPending(_ error: BrokerError) {
        while let first = pending.popFirst() { first.order?.answer(.failure(error)) }
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
        if waited > configuration.commandTimeout.microseconds { link.drop(.timeout("a command")) }
    }
}
