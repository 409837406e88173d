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
            /// A script about a channel with keys and arguments; the run of Redis is put before the arguments here.
            case script(RedisScript, ChannelName?, keys: [ByteBuffer], arguments: [ByteBuffer])

            /// The channel in which it changes something: such orders of one channel are carried out in their order.
            var changes: ChannelName? {
                switch self {
                case .command: nil
                case .publish(let publication): publication.channel
                case .script(let script, let channel, _, _): script.changes ? channel : nil
                }
            }
        }

        let task: Task
        /// Called on the link's event loop, exactly once; the reply is only valid within the call.
        let answer: @Sendable (Result<ReplyView, BrokerError>) -> Void
    }

    private let link: RedisLink
    private let configuration: RedisConfiguration
    private let metrics: BrokerMetrics
    private let clock: NodeClock
    private let linkStates: LinkStates
    private let inbox: Mailbox<Order>
    private let probe: ProbeChannel
    private let onSilence: () -> Void
    private let calls: StreamCalls
    private var numbers = PublisherNumbers()
    private let onRedirect: @Sendable (String) -> Void
    private let pipeline: CommandPipeline<Order>
    /// After a `SCRIPT FLUSH`: what is sent again.
    private var replay = ScriptReplay<Order>()
    private let rights: RightsCheck?
    private var isMissingRights = false
    private var tasks: [RepeatedTask] = []

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, clock: NodeClock,
        linkStates: LinkStates, inbox: Mailbox<Order>, probe: ProbeChannel, onSilence: @escaping () -> Void,
        onRedirect: @escaping @Sendable (String) -> Void,
        rights: RightsCheck? = nil
    ) {
        self.link = link
        self.configuration = configuration
        self.metrics = metrics
        self.clock = clock
        self.linkStates = linkStates
        self.inbox = inbox
        self.probe = probe
        self.onSilence = onSilence
        self.onRedirect = onRedirect
        self.rights = rights
        self.calls = StreamCalls(configuration)
        self.pipeline = CommandPipeline(link: link, configuration: configuration, metrics: metrics, clock: clock)
    }

    func start() {
        link.start(owner: self)
        visitMailbox()
        repeated(every: max(10_000, configuration.commandTimeout.microseconds / 4)) { link in
            link.pipeline.dropIfOverdue("a command", now: link.clock.monotonicMicroseconds())
        }
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
        if isMissingRights { checkRights() }
        guard pipeline.isReady, let (number, silent) = probe.next() else { return }
        if silent > 0 {
            metrics.counters.addShared(.probesLost)
            linkStates.set(.probe, "\(silent) did not come back")
        }
        guard silent < 2 else {
            onSilence()
            return link.drop(.silent)
        }
        let command = [configuration.pubSub.publish, ByteBuffer(string: probe.name), Envelope.probeBytes(number)]
        // A node of a cluster that is no master any more still has its subscribers; it refuses what is published.
        let onRedirect = self.onRedirect
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let order = Order(task: .command(command)) { result in
            guard case .failure(.refused(let words)) = result else { return }
            bound.value.refusedProbe(words)
            onRedirect(words)
        }
        send([order])
    }

    /// A user that may not publish is told so; its links are well.
    private func refusedProbe(_ words: String) {
        let problem = RightsCheck.problem(
            words, of: String(buffer: configuration.pubSub.publish), prefix: configuration.channelPrefix)
        guard let problem else { return }
        probe.refused()
        linkStates.set(.probe, problem)
    }

    /// Sends what came since the last visit with one write.
    func visitMailbox() { send(inbox.take()) }

    func linkIsReady() { pipeline.prepare() }

    func linkIsLost(_ problem: String) {
        linkStates.set(.publish, problem)
        failPending(.unknownOutcome)
    }

    func received(_ reply: ReplyView) {
        switch pipeline.received(reply) {
        case .nothing: break
        case .ready:
            if rights == nil { linkStates.set(.publish, nil) } else { checkRights() }
            sendProbe()
        case .command(let order): answered(order, reply)
        }
    }

    func receivedBurst() {}

    private func answered(_ order: Order, _ reply: ReplyView) {
        defer { if replay.isActive, pipeline.isEmpty { sendAgain() } }
        guard let words = reply.error else {
            if replay.isActive, let channel = order.task.changes {
                for late in replay.overtaken(in: channel) { late.answer(.failure(.unavailable)) }
            }
            return order.answer(.success(reply))
        }
        if words.hasPrefix("NOSCRIPT") { return replay.refused(order, channel: order.task.changes) }
        order.answer(.failure(.refused(words)))
        pipeline.refused(words)
    }

    /// Asks Redis whether this user may do all that the configured channels need; until it may, the node is not ready.
    private func checkRights() {
        guard let rights else { return }
        if let words = pipeline.scripts.problem {
            return note(
                rights: RightsCheck.problem(words, of: "SCRIPT LOAD")
                    ?? "scripts are needed: \(configuration.showing(words))")
        }
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let order = Order(task: rights.task(probe)) { result in
            if let problem = RightsCheck.problem(result) { bound.value.note(rights: problem) }
        }
        send([order])
    }

    private func note(rights problem: String?) {
        isMissingRights = problem != nil
        if linkStates.set(.publish, problem), let problem { link.warn(problem) }
    }

    private func send(_ orders: [Order], reloads: Bool = false) {
        if replay.hold(orders) { return }
        guard pipeline.isReady else {
            for order in orders { order.answer(.failure(.unavailable)) }
            return
        }
        let now = clock.monotonicMicroseconds()
        var bytes = ByteBuffer()
        var reloaded: Set<RedisScript> = []
        for order in orders {
            switch order.task {
            case .command(let arguments): RedisCommand.write(arguments, into: &bytes)
            case .publish(let publication):
                let message = numbers.message(publication)
                RedisCommand.write(
                    [calls.kind.publish, calls.name(publication.channel), message], into: &bytes)
            case .script(let script, _, let keys, let arguments):
                guard let call = pipeline.scripts.call(script, keys, arguments) else {
                    let words = pipeline.scripts.problem ?? "scripts"
                    order.answer(.failure(.refused(words)))
                    link.note(refusal: words)
                    continue
                }
                // The first call of each script takes it along, and Redis knows it again for the others.
                let isWhole = reloads && reloaded.insert(script).inserted
                RedisCommand.write(isWhole ? pipeline.scripts.wholeCall(script, keys, arguments) : call, into: &bytes)
            }
            pipeline.append(order, now: now)
        }
        link.write(bytes)
    }

    /// Somebody emptied Redis' script cache, and all that was under way then is answered: what Redis did not know goes once
    /// more, and behind it what came meanwhile.
    private func sendAgain() {
        let (again, held) = replay.take()
        send(again, reloads: true)
        send(held)
    }

    private func failPending(_ error: BrokerError) {
        for order in pipeline.empty() { order.answer(.failure(error)) }
        // These were never carried out.
        let (again, held) = replay.take()
        for order in again + held { order.answer(.failure(.unavailable)) }
    }

    private func repeated(every microseconds: UInt64, _ body: @escaping @Sendable (PublisherLink) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let period = TimeAmount.microseconds(Int64(microseconds))
        tasks.append(
            link.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in body(bound.value) })
    }
}
