import FanfareWire
import NIOCore
import Synchronization

/// Messages from node to node, over the links that publications take: a channel of its own for each node
/// (`<prefix>*node:<id>`) and one for all (`<prefix>*control`), whose names no client can have.
///
/// ## Contract
/// - **At most once.** A request is sent once and answered once, or it fails. Where nothing was sent the error says so;
///   after ``ControlError/timeout`` and ``ControlError/gone`` it may have been done.
/// - **Order.** What one node sends to another is heard in its order, as in any channel.
/// - **Reconnect.** While Redis is away requests fail at once (``ControlError/unavailable``), and what was on its way is lost:
///   those requests end at their deadline. Subscriptions come back with the broker's, and the node announces itself at once.
/// - **Growing.** A command that a node does not know it answers as unknown; fields that it does not know it passes over;
///   what it can't read at all it drops and counts. None of that ends anything.
///
/// Whoever may publish into the nodes' Redis may send what a node sends, as with publications; junk is dropped and counted.
///
/// All methods may be called from any thread and never block. Handlers and completions run on any thread and must not block.
public final class ControlBus: Sendable {
    /// Carries out a command; the answer, exactly one, may come later and from any thread. A notice's answer goes nowhere.
    public typealias Handler = @Sendable (ControlRequest, _ answer: @escaping @Sendable (ControlAnswer) -> Void) -> Void

    /// Who waits for answers.
    struct Waiter: Sendable {
        let complete: @Sendable (_ answers: [ControlAnswer], _ missing: Set<NodeID>, _ isLate: Bool) -> Void
        /// Nothing was sent.
        let fail: @Sendable (ControlError) -> Void
    }

    struct State {
        var exchange: ControlExchange<Waiter>
        var view: ClusterView
        var handlers: [ControlCommand: Handler] = [:]
        /// Requests of others that are not answered.
        var answering = 0
        var isStarted = false
        var isStopped = false
        /// Channels that the broker has confirmed.
        var heard: Set<ChannelName> = []
        /// When those that it refused are asked for again.
        var retryAt: UInt64?
        var announceAt: UInt64 = .max
        var hearing = HearingChecks()
        /// The last announcement that is not back, and when it was sent.
        var announced: (number: UInt64, at: UInt64)?
    }

    /// Where the broker posts; the owner gives it to ``Broker/start(receivers:)``.
    public let mailbox: Mailbox<BrokerEvent>
    public let node: ClusterNode
    let state: Mutex<State>
    let broker: any Broker
    let metrics: CounterBlock<ControlCounter>
    let clock: NodeClock
    let ownChannel: ChannelName
    private let receiver: Int

    /// - Parameters:
    ///   - receiver: the mailbox's place among the broker's receivers.
    ///   - isAlone: whether there can be no other node, for the broker is this one's memory.
    ///   - run: runs what it is given soon and one after the other, and not at once: brokers post under locks of theirs.
    public init(
        node: ClusterNode, broker: any Broker, receiver: Int, metrics: CounterBlock<ControlCounter>,
        isAlone: Bool = false, clock: NodeClock = .system,
        run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.node = node
        self.broker = broker
        self.receiver = receiver
        self.metrics = metrics
        self.clock = clock
        ownChannel = .node(node.id)
        state = Mutex(
            State(
                exchange: ControlExchange(last: UInt64.random(in: 0...1 << 62)),
                view: ClusterView(own: node, isAlone: isAlone)))
        let bus = Box()
        mailbox = Mailbox(wake: { run { bus.value?.visitMailbox() } })
        bus.value = self
        metrics.addShared(.nodes)
        handle(.ping) { request, answer in answer(ControlAnswer(body: request.body)) }
    }

    /// What becomes of a command. Before ``start()``.
    public func handle(_ command: ControlCommand, _ handler: @escaping Handler) {
        state.withLock { $0.handlers[command] = handler }
    }

    /// Begins to hear, after the broker was started.
    public func start() {
        state.withLock { $0.isStarted = true }
        for channel in [.control, ownChannel] { subscribe(channel) }
    }

    /// Says that the node goes, and ends all requests. Before the broker is shut down.
    public func stop() {
        let finished = state.withLock { state -> [ControlExchange<Waiter>.Finished]? in
            guard !state.isStopped else { return nil }
            state.isStopped = true
            return state.exchange.stop()
        }
        guard let finished else { return }
        complete(finished)
        for channel in [.control, ownChannel] { broker.unsubscribe(channel, receiver: receiver) }
        send(message(.notice, .leave), to: .control)
    }

    /// Whether other nodes can reach this one: the broker has confirmed its channels. It may have lost them since.
    public var isHeard: Bool { state.withLock { $0.heard.count == 2 } }

    /// All nodes that this one hears of, and itself.
    public var nodes: [ClusterNode] { state.withLock { $0.view.nodes } }

    /// How many nodes this one hears of, itself among them. Cheap.
    public var nodeCount: Int { state.withLock { $0.view.count } }

    /// Whether nodes may be there that this one has not heard of, for it is new here itself. Cheap.
    public var isYoung: Bool { state.withLock { $0.view.isYoung } }

    /// Whether this one hears of a node; `nil`: it can't say yet, for it is new here itself. Cheap, and counts nothing: for ids that
    /// strangers may have made up.
    public func sees(_ node: NodeID) -> Bool? {
        state.withLock { $0.view.contains(node) ? true : $0.view.mayHide(node) ? nil : false }
    }

    /// Asks one node, also this one.
    ///
    /// - Parameter limit: how long to wait for the answer.
    public func request(
        _ command: ControlCommand, fields: ControlFields = ControlFields(), body: ByteBuffer = ByteBuffer(),
        to node: NodeID, within limit: Duration = ControlBounds.answerTime,
        completion: @escaping @Sendable (Result<ControlAnswer, ControlError>) -> Void
    ) {
        let waiter = Waiter(
            complete: { answers, _, isLate in
                guard let answer = answers.first else { return completion(.failure(isLate ? .timeout : .gone)) }
                completion(answer.status == .ok ? .success(answer) : .failure(.refused(answer.status)))
            }, fail: { completion(.failure($0)) })
        begin(waiter, command, fields, body, of: node, .node(node), limit)
    }

    /// Asks all nodes in view, this one among them. The completion gets their answers, and who gave none.
    ///
    /// - Parameter limit: how long to wait for the last answer.
    public func survey(
        _ command: ControlCommand, fields: ControlFields = ControlFields(), body: ByteBuffer = ByteBuffer(),
        within limit: Duration = ControlBounds.answerTime,
        completion: @escaping @Sendable (Result<(answers: [ControlAnswer], missing: Set<NodeID>), ControlError>) -> Void
    ) {
        let waiter = Waiter(
            complete: { answers, missing, _ in completion(.success((answers, missing))) },
            fail: { completion(.failure($0)) })
        begin(waiter, command, fields, body, of: nil, .control, limit)
    }

    /// Tells one node, or with `nil` all of them and this one. Nobody says whether it was heard.
    public func notify(
        _ command: ControlCommand, fields: ControlFields = ControlFields(), body: ByteBuffer = ByteBuffer(),
        to node: NodeID? = nil
    ) {
        send(message(.notice, command, fields, body), to: node.map { .node($0) } ?? .control)
    }

    /// What time decides: deadlines of requests, announcements, subscriptions that are tried again. The owner calls it some
    /// times a second; a deadline is as exact as that.
    public func advance() {
        let now = clock.monotonicMicroseconds()
        let (late, missing, announces, checked) = state.withLock {
            state -> ([ControlExchange<Waiter>.Finished], [ChannelName], Bool, Set<NodeID>) in
            guard state.isStarted, !state.isStopped else { return ([], [], false, []) }
            let late = state.exchange.expire(now: now)
            var missing: [ChannelName] = []
            if let at = state.retryAt, at <= now {
                state.retryAt = nil
                missing = [.control, ownChannel].filter { !state.heard.contains($0) }
            }
            let checked = state.hearing.isDue(now: now) ? state.hearing.begin(state.exchange.awaited, now: now) : []
            return (late, missing, state.announceAt <= now, checked)
        }
        metrics.addShared(.timeouts, late.count)
        complete(late)
        for channel in missing { subscribe(channel) }
        if announces { announce(isHello: false) }
        // What it says does not matter, but whether anybody hears it.
        for id in checked { send(message(.notice, .ping), to: .node(id), checking: id) }
    }

    func subscribe(_ channel: ChannelName) {
        broker.subscribe(channel, receiver: receiver, ticket: channel == .control ? 1 : 2)
    }

    /// - Parameter node: who has to answer; `nil`: all in view.
    private func begin(
        _ waiter: Waiter, _ command: ControlCommand, _ fields: ControlFields, _ body: ByteBuffer, of node: NodeID?,
        _ channel: ChannelName, _ limit: Duration
    ) {
        let until = clock.monotonicMicroseconds() &+ limit.microseconds
        let begun = state.withLock { state -> Result<UInt64, ControlError> in
            guard !state.isStopped else { return .failure(.gone) }
            if let node, !state.view.contains(node) {
                return .failure(state.view.mayHide(node) ? .notYetInView : .unknownNode)
            }
            let expected = node.map { [$0] } ?? state.view.ids
            return state.exchange.begin(waiter, expecting: expected, until: until).map(Result.success)
                ?? .failure(.overloaded)
        }
        switch begun {
        case .failure(let error):
            metrics.addShared(.refused)
            waiter.fail(error)
        case .success(let number):
            let message = ControlMessage(
                kind: .request, command: command, sender: self.node.id, number: number, fields: fields, body: body)
            send(message, to: channel)
        }
    }
}

/// The bus, known to its mailbox once it is made.
private final class Box: Sendable {
    private let bus = Mutex<Weak>(Weak())

    private struct Weak { weak var bus: ControlBus? }

    var value: ControlBus? {
        get { bus.withLock(\.bus) }
        set { bus.withLock { $0.bus = newValue } }
    }
}
