import FanfareCore
import FanfareWire
import NIOCore
import Synchronization

/// Takes what requests ask of sessions to where those are: to an event loop of this node by its mailbox, to another node by the
/// control bus. Any thread.
///
/// The ids of some sessions are chosen by their clients and say nothing of the node. What this node does not know, and does not remember
/// of another, it asks all nodes for: so a session lives where its first request came in, which is the right place behind a balancer
/// that keeps clients with their nodes, and no list has to be kept right while nodes come and go (D141 in docs/decisions.md).
final class SessionRelay: Sendable {
    struct State: Sendable {
        var mailboxes: [Int: Mailbox<SessionTable.Event>] = [:]
        /// On which event loop the sessions of this node are.
        var loops: [ExactText: Int] = [:]
        var bus: ControlBus?
        var load = SessionLoad()
        var routes = SessionRoutes()
        /// Requests of other nodes that are not answered yet.
        var answering = SessionAnswering()
    }

    let node: NodeID
    let metrics: NodeMetrics
    let state = Mutex(State())

    init(_ node: NodeID, metrics: NodeMetrics) { (self.node, self.metrics) = (node, metrics) }

    func add(_ mailbox: Mailbox<SessionTable.Event>, loop: Int) { state.withLock { $0.mailboxes[loop] = mailbox } }

    /// A session begins. Returns whether none of this node has its name.
    func enter(_ name: ExactText, loop: Int) -> Bool {
        state.withLock { state in
            guard state.loops[name] == nil else { return false }
            state.loops[name] = loop
            return true
        }
    }

    func leave(_ name: ExactText) { state.withLock { $0.loops[name] = nil } }

    /// Where a session is, as far as this node knows.
    enum Place {
        case here(loop: Int)
        case there(NodeID)
        /// Other nodes have to be asked.
        case unknown
        /// It would be on another node, of which this one has just come too late to hear, or which could not answer it yet.
        case notYet
        case nowhere
    }

    private func place(of address: SessionAddress) -> Place {
        state.withLock { state in
            if let loop = state.loops[address.name] { return .here(loop: loop) }
            if let other = address.node ?? state.routes[address.name] {
                guard other != node, let bus = state.bus else { return .nowhere }
                // What is answered to a node that nobody hears is lost.
                guard let isSeen = bus.sees(other), bus.isHeard || !isSeen else { return .notYet }
                return isSeen ? .there(other) : .nowhere
            }
            return address.node == nil && (state.bus?.nodeCount ?? 1) > 1 ? .unknown : .nowhere
        }
    }

    /// Whether it takes no search to say where a session is. Who makes others search is to be counted before.
    func knows(_ address: SessionAddress) -> Bool { if case .unknown = place(of: address) { false } else { true } }

    /// Whether a session is here, or on a node that this one knows.
    func has(_ address: SessionAddress) -> Bool {
        switch place(of: address) {
        case .here, .there, .notYet: true
        case .unknown, .nowhere: false
        }
    }

    /// Requests of other nodes that wait here, and those that were refused.
    var answering: (waiting: Int, refused: Int) { state.withLock { ($0.answering.count, $0.answering.refused) } }

    // MARK: Receiving

    /// Asks for a receiver. On the exchange's event loop, which is where the reply comes, at once or later.
    func receive(_ question: SessionQuestion, for exchange: Exchange, _ reply: @escaping (SessionReply) -> Void) {
        let loop = exchange.loop
        find(question.session, for: exchange, within: SessionBounds.searchTime, mayMiss: true) { [self] place in
            switch place {
            case .here(loop.index): loop.sessions.receive(question, reply)
            case .here(let index):
                guard let mailbox = state.withLock({ $0.mailboxes[index] }) else { return reply(.gone) }
                let answer = Self.onLoop(loop, reply)
                mailbox.post(.receive(question, answer))
            case .there(let node): receive(question, at: node, for: exchange, reply)
            case .nowhere: reply(.gone)
            case .unknown, .notYet: reply(.unavailable)
            }
        }
    }

    private func receive(
        _ question: SessionQuestion, at node: NodeID, for exchange: Exchange, _ reply: @escaping (SessionReply) -> Void
    ) {
        let address = exchange.countedAddress
        guard let bus = state.withLock({ $0.load.enterAbroad(.receiver, address) ? $0.bus : nil }) else {
            return reply(.unavailable)
        }
        metrics.shared.addShared(.sessionForwarded)
        let answer = Self.onLoop(exchange.loop, reply)
        bus.request(
            .sessionReceive, fields: SessionMessage.fields(question), to: node,
            within: .microseconds(question.wait) + ControlBounds.answerTime
        ) { [self] result in
            let reply = SessionMessage.reply(result)
            leaveAbroad(.receiver, address, question.session, isGone: reply == .gone)
            if reply == .unknown {
                bus.notify(.sessionLeave, fields: SessionMessage.leave(question, aborted: true), to: node)
            }
            answer(reply)
        }
    }

    /// A receiver goes. On its event loop.
    ///
    /// - Parameter aborted: whether its client went: the session ends with that.
    func leave(_ question: SessionQuestion, aborted: Bool, from loop: LoopState) {
        let address = question.session
        switch place(of: address) {
        case .here(loop.index): loop.sessions.leave(address, receiver: question.receiver, aborted: aborted)
        case .here(let index):
            let mailbox = state.withLock { $0.mailboxes[index] }
            mailbox?.post(.leave(address, receiver: question.receiver, aborted: aborted))
        case .there(let node):
            let bus = state.withLock(\.bus)
            bus?.notify(.sessionLeave, fields: SessionMessage.leave(question, aborted: aborted), to: node)
        case .unknown, .notYet, .nowhere: break
        }
    }

    // MARK: Sending

    /// Brings the body of a request. On the exchange's event loop, which is where the outcome comes, at once or later.
    func send(
        _ body: ByteBuffer, to address: SessionAddress, for exchange: Exchange,
        _ outcome: @escaping (SessionOutcome) -> Void
    ) {
        let loop = exchange.loop
        find(address, for: exchange, within: SessionBounds.sendSearchTime, mayMiss: false) { [self] place in
            switch place {
            case .here(loop.index): loop.sessions.send(address, body, outcome)
            case .here(let index):
                guard let mailbox = state.withLock({ $0.mailboxes[index] }) else { return outcome(.gone) }
                let answer = Self.onLoop(loop, outcome)
                let weight = body.readableBytes + EmulationBounds.overhead
                if !mailbox.post(
                    contentsOf: [.send(address, body, answer)], weight: weight, limit: EmulationBounds.loopBytes)
                {
                    outcome(.full)
                }
            case .there(let node): send(body, to: address, at: node, for: exchange, outcome)
            case .nowhere: outcome(.gone)
            case .unknown, .notYet: outcome(.unavailable)
            }
        }
    }

    private func send(
        _ body: ByteBuffer, to address: SessionAddress, at node: NodeID, for exchange: Exchange,
        _ outcome: @escaping (SessionOutcome) -> Void
    ) {
        let counted = exchange.countedAddress
        guard let bus = state.withLock({ $0.load.enterAbroad(.body, counted) ? $0.bus : nil }) else {
            return outcome(.unavailable)
        }
        metrics.shared.addShared(.sessionForwarded)
        let answer = Self.onLoop(exchange.loop, outcome)
        bus.request(
            .sessionSend, fields: SessionMessage.fields(address), body: body, to: node, within: SessionBounds.sendTime
        ) { [self] result in
            let outcome = SessionMessage.outcome(result)
            leaveAbroad(.body, counted, address, isGone: outcome == .gone)
            answer(outcome)
        }
    }

    /// Takes a connection to a session of this node.
    func take(_ connection: MovedConnection, to address: SessionAddress) {
        let mailbox = state.withLock { state in state.loops[address.name].flatMap { state.mailboxes[$0] } }
        guard let mailbox else { return connection.close() }
        mailbox.post(.take(address, connection))
    }

    private func leaveAbroad(
        _ kind: SessionRequestKind, _ address: ClientAddress?, _ session: SessionAddress, isGone: Bool
    ) {
        state.withLock { state in
            state.load.leaveAbroad(kind, address)
            if isGone { state.routes.forget(session.name) }
        }
    }

    /// An answer that may come on any thread, for something of an event loop.
    private static func onLoop<Value: Sendable>(
        _ loop: LoopState, _ body: @escaping (Value) -> Void
    ) -> @Sendable (Value) -> Void {
        let (mailbox, bound) = (loop.sessions.mailbox, NIOLoopBound(body, eventLoop: loop.eventLoop))
        return { value in mailbox.post(.answered { bound.value(value) }) }
    }

    // MARK: Searching

    /// Finds out where a session is. Not called back when the client of the request has gone meanwhile; with ``Place/unknown`` where
    /// nobody could be asked.
    ///
    /// - Parameters:
    ///   - limit: how long to wait for the last node.
    ///   - mayMiss: whether a session that no other node has is nowhere, though one gave no answer. A receiver opens another one then:
    ///     clients could not come in as long as any node is silent.
    private func find(
        _ address: SessionAddress, for exchange: Exchange, within limit: Duration, mayMiss: Bool,
        _ found: @escaping (Place) -> Void
    ) {
        let place = place(of: address)
        switch place {
        case .notYet: return wait(for: address, exchange, SessionBounds.newcomerLooks, found)
        case .here, .there, .nowhere: return found(place)
        case .unknown: break
        }
        let counted = exchange.countedAddress
        guard let bus = state.withLock({ $0.load.enterSearch(counted) ? $0.bus : nil }) else { return found(.unknown) }
        metrics.shared.addShared(.sessionSearches)
        let answer = Self.onLoop(exchange.loop) { (node: NodeID??) in
            guard !exchange.isOver else { return }
            switch node {
            case .none: found(.unknown)
            case .some(.none): found(.nowhere)
            case .some(.some(let node)): found(.there(node))
            }
        }
        bus.survey(
            .sessionFind, fields: SessionMessage.fields(address), within: limit
        ) { [self] result in
            state.withLock { $0.load.leaveSearch(counted) }
            guard case .success(let (answers, missing)) = result else { return answer(.none) }
            let node = answers.first { $0.status == .ok }.flatMap { $0.node }
            guard node != nil || missing.isEmpty || mayMiss else { return answer(.none) }
            if let node { state.withLock { $0.routes.add(address.name, node) } }
            answer(.some(node))
        }
    }

    /// This node has just come: looks again in a moment, for the others answer its first announcement at once. A proxy could ask another
    /// node for a GET, and for a POST nobody.
    ///
    /// - Parameter looks: how often.
    private func wait(
        for address: SessionAddress, _ exchange: Exchange, _ looks: Int, _ found: @escaping (Place) -> Void
    ) {
        let counted = exchange.countedAddress
        guard looks > 0, state.withLock({ $0.load.enterSearch(counted) }) else { return found(.notYet) }
        let bound = NIOLoopBound((exchange, found), eventLoop: exchange.loop.eventLoop)
        exchange.loop.eventLoop.scheduleTask(in: TimeAmount(SessionBounds.newcomerPause)) { [self] in
            state.withLock { $0.load.leaveSearch(counted) }
            let (exchange, found) = bound.value
            guard !exchange.isOver else { return }
            let place = place(of: address)
            if case .notYet = place { return wait(for: address, exchange, looks - 1, found) }
            found(place)
            exchange.loop.flush()
        }
    }
}

extension Exchange {
    /// The address with which its waiting is counted; `nil`: a proxy's own, which is not.
    fileprivate var countedAddress: ClientAddress? { caller.isTrusted ? nil : caller.address.counted }
}
