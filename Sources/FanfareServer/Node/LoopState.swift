import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// Everything that one event loop owns: its shard of the hub, its clients, its timing wheel, its mailboxes.
///
/// Made and used on that loop only. Other threads reach it through the two mailboxes, which wake it once per burst.
final class LoopState {
    let node: NodeContext
    /// Its number among the node's loops.
    let index: Int
    let eventLoop: any EventLoop
    let metrics: LoopMetrics
    let shard: HubShard<Client>
    let wheel: TimingWheel
    let presence: PresenceUpdater
    /// What is kept here between two polls.
    let polls: PollBuffers
    /// What backends want done with clients of this loop.
    let commands: ClientCommands
    /// Sessions that outlive their requests.
    let sessions: SessionTable
    /// Those of them that began with polling and were not asked for yet.
    var halfOpen = HalfOpenSessions()
    /// Connections here whose sessions are on other event loops: see ``SocketBridge``.
    var bridges = 0
    /// Where the broker posts for this loop.
    let mailbox: Mailbox<BrokerEvent>
    /// Where the broker's answers to publishes of this loop's clients are posted.
    let outcomes: Mailbox<Outcome>
    /// Where requests are posted that bring messages to sessions of this loop.
    let emulated: Mailbox<EmulatedMessage>
    /// All sessions of this loop, for the drain; each knows its index.
    private(set) var clients: [Client] = []
    /// Those of them that can be asked for.
    private(set) var directory = ClientDirectory<Client>()
    /// Sockets without a session that the node waits for.
    var waiting = OldestFirst<any PendingSocket>()
    /// Connections of HTTP/2, for the drain.
    var http2: [ObjectIdentifier: HTTP2Connection] = [:]
    /// Clients that wait for their turn.
    private(set) lazy var turns = TurnQueue(self)
    /// When those, and what a visit of the mailboxes left over, go on.
    private(set) lazy var pass = SocketPass(eventLoop) { [unowned self] in socketsSeen() }
    /// Puts a turn's publications together for the clients of this loop.
    var join = CombinedFrames()
    /// What waits for clients of this loop, each batch once.
    var queued: QueueLedger
    /// Clients with bytes for the end of this turn.
    private var dirty: [Client] = []
    /// Events of the mailbox, and whether another visit is on its way for them.
    private var events: MailboxReader<BrokerEvent>
    private var isWoken = false
    /// Whether publications wait for more.
    private var isDelayed = false
    /// Answers of the other mailbox.
    private var answered: MailboxReader<Outcome>
    /// How it follows the wall clock.
    var clock = ClockState()
    private var ticker: NIOScheduledCallback?
    private var lastTick: UInt64 = 0
    /// One loop of the node does what has to be done once.
    private let isFirst: Bool
    private var readinessLog = ReadinessLog()

    /// What became of something that a client asked the broker for.
    struct Outcome: Sendable {
        enum Answer: Sendable {
            case published(Result<PublishReceipt, BrokerError>)
            case read(since: StreamPosition?, Result<HistoryPage, BrokerError>)
            case presence(Result<PresencePage, BrokerError>)
            case presenceStats(Result<PresenceStats, BrokerError>)

            /// Whether it is the answer to a read.
            var isRead: Bool { if case .published = self { false } else { true } }

            /// For how many events it counts.
            var weight: Int {
                switch self {
                case .published, .presenceStats: 1
                case .read, .presence: TurnBudget.bigAnswer
                }
            }
        }

        let client: NIOLoopBound<Client>
        /// The command's id; 0 where the protocol has none.
        let id: UInt32
        let answer: Answer
    }

    init(node: NodeContext, index: Int, eventLoop: any EventLoop) {
        eventLoop.preconditionInEventLoop()
        self.node = node
        self.index = index
        self.eventLoop = eventLoop
        self.metrics = node.metrics.loops[index]
        self.queued = QueueLedger(memory: node.queueMemory, metrics: metrics)
        self.isFirst = index == 0
        // Conformance suites count in tenths of a second.
        self.wheel = TimingWheel(
            now: node.clock.monotonicMicroseconds(), tickMicroseconds: node.configuration.echo ? 10_000 : 100_000)
        let box = NIOLoopBoundBox<LoopState?>(nil, eventLoop: eventLoop)
        let wake: @Sendable () -> Void = { eventLoop.execute { box.value?.visitMailboxes() } }
        let outcomes = Mailbox<Outcome>(wake: wake)
        self.outcomes = outcomes
        self.answered = MailboxReader(outcomes)
        self.emulated = Mailbox(wake: { eventLoop.execute { box.value?.visitEmulated() } })
        let mailbox = Mailbox<BrokerEvent>(wake: wake)
        self.mailbox = mailbox
        self.events = MailboxReader(mailbox)
        self.shard = HubShard(
            broker: node.broker, rules: node.channels, receiver: index, metrics: metrics, mailbox: mailbox,
            maxRecovery: node.configuration.limits.maxRecovery,
            maxFilters: node.configuration.limits.maxFiltersPerChannel)
        self.polls = PollBuffers(wake: wake)
        self.commands = ClientCommands(
            metrics: metrics, wake: { eventLoop.execute { box.value?.commandsPosted() } })
        node.polls.add(polls.mailbox, loop: index)
        self.sessions = SessionTable(node.sessions, loop: index, wake: wake)
        node.sessions.add(sessions.mailbox, loop: index)
        node.emulation.add(emulated, loop: index)
        node.commands.add(commands.mailbox, rooms: commands.rooms, loop: index)
        self.presence = Self.makePresence(node, wheel: wheel, metrics: metrics, wake: wake)
        box.value = self
        shard.onEnd = { [presence, commands] client, channel in
            if let id = client.session.clientID { presence.left(id, channel) }
            commands.ended(client, channel)
        }
        shard.findClient = { [unowned self] id in directory[ExactText(id.description)] }
    }

    /// Starts the wheel.
    func start() {
        lastTick = node.clock.monotonicMicroseconds()
        // Also what is set before the first tick is noticed.
        followClock(now: lastTick)
        scheduleTick()
        pass.start()
    }

    /// A callback, not a repeated task: that one allocates nine times a tick.
    private func scheduleTick() {
        let ticker = Ticker(loop: NIOLoopBound(self, eventLoop: eventLoop))
        self.ticker = try? eventLoop.scheduleCallback(
            in: .microseconds(Int64(wheel.tickMicroseconds)), handler: ticker)
    }

    /// Stops the wheel.
    func stop() {
        ticker?.cancel()
        ticker = nil
        pass.stop()
    }

    /// Takes in a session that has begun.
    func add(_ client: Client) {
        client.clientIndex = Int32(clients.count)
        clients.append(client)
        metrics.counters.add(.connections)
        metrics.clients.add(client.kind)
        metrics.counters.add(.connectionsAccepted)
        if let at = drainWindow.map({ drainDeadline(window: $0) }) { client.drain(at: at) }
    }

    /// The id of a client that begins here.
    func makeClientID() -> String { ClientID.make(node: node.id, loop: index).description }

    /// Takes a client into the directory, once it is known who it is. It leaves it with ``remove(_:)``.
    func register(_ client: Client, user: ExactText) {
        directory.add(client, id: client.session.clientID, user: user)
    }

    /// Lets go of a session that has ended.
    func remove(_ client: Client) {
        directory.remove(client)
        commands.left(client)
        let index = Int(client.clientIndex)
        guard index >= 0 else { return }
        client.clientIndex = -1
        let moved = clients.removeLast()
        if moved !== client {
            clients[index] = moved
            moved.clientIndex = Int32(index)
        }
        metrics.counters.add(.connections, -1)
        metrics.clients.add(client.kind, -1)
    }

    /// A client has become another kind of client.
    func recount(_ client: Client, as kind: ClientKind) {
        metrics.clients.add(client.kind, -1)
        client.kind = kind
        metrics.clients.add(kind)
    }

    /// Notes a client with bytes for the end of the turn.
    func markDirty(_ client: Client) { dirty.append(client) }

    /// Ends the turn: one write for each client that got something.
    func flush() {
        presence.flush()
        flushClients()
    }

    private func flushClients() {
        // A client that ends while it is flushed may mark another one: the list can grow under the walk.
        var index = 0
        while index < dirty.count {
            dirty[index].flushTurn()
            index += 1
        }
        Self.empty(&dirty)
        join.forget()
        queued.forget()
        if node.queueMemory.isAbove { relieve() }
    }

    private var drainWindow: Duration?

    /// Spreads the closes of all sessions over `window`, at random.
    func drain(window: Duration) {
        drainWindow = window
        for client in clients { client.drain(at: drainDeadline(window: window)) }
        for connection in http2.values { connection.drain() }
    }

    private func drainDeadline(window: Duration) -> UInt64 {
        node.clock.monotonicMicroseconds() + UInt64.random(in: 0...max(1, window.microseconds))
    }

    private func visitMailboxes() {
        isWoken = false
        turns.socketsSeen()
        var budget = TurnBudget()
        while !budget.isSpent, let event = events.next() {
            budget.spend(events: handle(event))
            budget.spend(bytes: shard.takeWork())
            if shard.biggestBatch >= Self.batchBytes || shard.batchedBytes >= Self.batchesBytes {
                budget.spend(bytes: shard.batchedBytes)
                flushHub()
                flushClients()
            }
        }
        let delay = node.configuration.writeDelay
        if delay == .zero {
            flushHub()
        } else if shard.batchedBytes > 0, !isDelayed {
            flushLater(delay)
        }
        let sawAllOutcomes = visitOutcomes()
        let sawAllMembers = presence.visitAnswers()
        let sawAllPolls = polls.visitMailbox()
        let sawAllSessions = sessions.visitMailbox()
        if shard.hasAnswers { pass.ask() }
        flush()
        let sawAllEvents = events.end()
        let isDone = sawAllEvents && sawAllOutcomes && sawAllMembers && sawAllPolls && sawAllSessions
        if !isDone { visitSoon() }
    }

    /// Returns whether these were all that were posted.
    private func visitOutcomes() -> Bool {
        var budget = TurnBudget()
        while !budget.isSpent, let outcome = answered.next() {
            budget.spend(events: outcome.answer.weight)
            outcome.client.value.completed(outcome.id, outcome.answer)
        }
        return answered.end()
    }

    private func flushLater(_ delay: Duration) {
        isDelayed = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: TimeAmount(delay)) {
            bound.value.isDelayed = false
            bound.value.flushHub()
            bound.value.flush()
        }
    }

    /// Hands what waits for more to its subscribers. Before a subscription, whose client must not hear of what came before.
    func flushHub() { shard.flush(now: node.clock.wallMicroseconds) }

    /// Keeps the room of a usual burst for the next one, and no more.
    private static func empty<Element>(_ array: inout [Element]) {
        array.removeAll(keepingCapacity: array.capacity <= 1_024)
    }

    /// Returns for how many events it counts.
    private func handle(_ event: BrokerEvent) -> Int {
        switch event {
        case .publication(let prepared):
            shard.publish(prepared)
            if let bytes = prepared.takeDeflatedBytes() {
                metrics.counters.add(.deflateInputBytes, bytes.before)
                metrics.counters.add(.deflateOutputBytes, bytes.after)
            }
        case .subscribed(let channel, let ticket, let position):
            shard.subscribed(channel, ticket: ticket, position: position)
        case .subscribeFailed(let channel, let ticket, let error):
            shard.subscribeFailed(channel, ticket: ticket, error)
        case .history(let channel, let read, let result):
            shard.history(channel, read: read, result)
            return TurnBudget.bigAnswer
        case .insufficient(let channel, let position):
            flushHub()
            shard.insufficient(channel, position: position)
        case .presence(let prepared): shard.announce(prepared)
        case .returned: presence.refreshSoon()
        }
        return 1
    }

    /// What one visit left over comes after the sockets had their turn, and then what was posted meanwhile.
    private func visitSoon() {
        guard !isWoken else { return }
        isWoken = true
        pass.ask()
    }

    /// The sockets had their turn.
    private func socketsSeen() {
        turns.run()
        if commands.isBusy { visitCommands() }
        if isWoken { visitMailboxes() } else { flush() }
    }

    fileprivate func tick() {
        scheduleTick()
        let now = node.clock.monotonicMicroseconds()
        let late = now &- lastTick
        metrics.loopLag.record(microseconds: Int(late > wheel.tickMicroseconds ? late - wheel.tickMicroseconds : 0))
        lastTick = now
        followClock(now: now)
        wheel.advance(to: now)
        shard.ticked()
        if isFirst {
            node.refusals.tellSuppressed(now: now)
            node.logReadiness(&readinessLog)
        }
        flush()
    }
}

/// What the event loop calls when a tick of the wheel is due.
private struct Ticker: NIOScheduledCallbackHandler, Sendable {
    let loop: NIOLoopBound<LoopState>

    func handleScheduledCallback(eventLoop: some EventLoop) { loop.value.tick() }
}
