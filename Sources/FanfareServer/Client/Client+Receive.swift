import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// What the client sends: messages, commands, and what is done with them.
extension Client {
    /// Begins commands and takes messages: one turn's worth, as long as the client has not too many publishes under way, and
    /// is not too fast.
    ///
    /// - Parameters:
    ///   - bytes: what the socket gave just now.
    ///   - toTheEnd: whether all that was published has its turn now, for the client is gone.
    func received(bytes: Int = 0, toTheEnd: Bool = false) {
        let now = loop.node.clock.monotonicMicroseconds()
        charge(bytes: bytes, now: now)
        guard !inbound.isTurnOver || toTheEnd else { return }
        if toTheEnd {
            session.keepPublications()
            inbound.reads.open()
        }
        var turn = Turn(isEndless: toTheEnd, isShort: loop.turns.isBusy(now: now))
        while mayGoOn, !turn.isOver, goOn(&turn, now: now) {}
        loop.turns.spend(turn.done, now: now)
        guard isOpen else { return }
        noteThrottle(now: now)
        if turn.isOver { waitForTurn() }
        setPaused(inbound.isTurnOver || inbound.isThrottled || isHeldUp || hasTooManyPublishes)
        notePart(now: now)
        transport?.turnEnded(now: now)
    }

    private var mayGoOn: Bool { isOpen && tokens?.isWaiting != true && !hasTooManyPublishes }

    private var hasTooManyPublishes: Bool { Int(inbound.pendingPublishes) >= limits.maxPendingCommands }

    /// Begins the next command, or takes the next message. Returns whether there was one that need not wait.
    private func goOn(_ turn: inout Turn, now: UInt64) -> Bool {
        guard !inbound.reads.isClosed else { return false }
        let isThrottled = inbound.throttle.holds(now: now)
        // Who has publishes under way may not be reading their answers.
        switch session.next(mayRead: !isThrottled && hasRoom && inbound.pendingPublishes == 0) {
        case .perform(let command, let weight):
            turn.take(weight)
            perform(command)
        case .fail(let action): carryOut(action)
        case .wait: return false
        case .none:
            guard !isThrottled, let arrival = transport?.next(now: now) else { return false }
            guard case .message(let message) = arrival else {
                turn.take(messageBytes: 0)
                break
            }
            turn.take(messageBytes: message.bytes.readableBytes)
            take(message, now: now)
        }
        return true
    }

    /// Takes a message that came with the client's request, before all others.
    func begin(with first: Payload) {
        guard isOpen else { return }
        let now = loop.node.clock.monotonicMicroseconds()
        charge(bytes: first.bytes.readableBytes, now: now)
        take(first, now: now)
        waitForTurn()
    }

    /// Begins what the session has from the client's request already.
    ///
    /// - Parameter bytes: of the request's body.
    func beginOwn(bytes: Int) {
        guard isOpen else { return }
        let now = loop.node.clock.monotonicMicroseconds()
        charge(bytes: bytes, now: now)
        charge(now: now)
        loop.metrics.counters.add(.messagesReceived)
        loop.metrics.counters.add(.bytesReceived, bytes)
        waitForTurn()
    }

    private func take(_ message: Payload, now: UInt64) {
        loop.metrics.counters.add(.messagesReceived)
        loop.metrics.counters.add(.bytesReceived, message.bytes.readableBytes)
        switch session.take(message) {
        case .commands(let count):
            // What was whole has had its time; what comes behind it has its own.
            if count > 0 { deadlines.parts = ClientDeadlines.never }
            charge(commands: count, now: now)
        case .action(let action):
            // A protocol that answers no publication can't say that one came too early.
            if case .publish = action {
                charge(now: now)
                chargePublication(now: now)
            }
            carryOut(action)
        }
    }

    private func perform(_ command: Session.Command) {
        // What was whole has had its time.
        deadlines.parts = ClientDeadlines.never
        // A read for the client is nothing that it said.
        if session.keepAlive != nil, !command.isThrottledRead { lifeSeen(now: loop.node.clock.monotonicMicroseconds()) }
        if command.isFurther { charge(now: loop.node.clock.monotonicMicroseconds()) }
        if command.isThrottledPublication { chargePublication(now: loop.node.clock.monotonicMicroseconds()) }
        if command.isThrottledRead {
            inbound.throttle.readOn(loop.node.rates, now: loop.node.clock.monotonicMicroseconds())
        }
        if let wait = wait(for: command) { return tell { $0.refuseForNow(command, wait: wait) } }
        if let cost = command.ownRead { return answerRead(session.perform(command), cost) }
        tell { $0.perform(command) }
    }

    /// Tells the session something and does what it wants.
    func tell(_ body: (inout Session) -> SessionAction) {
        let hadBegun = session.hasBegun
        let action = body(&session)
        if !hadBegun, session.hasBegun { hasBegun() }
        carryOut(action)
    }

    /// Does what the session wants.
    func carryOut(_ action: consuming SessionAction) {
        places.keep(session.keptBytes, loop)
        // Consumed, so that a body is sealed in place.
        switch consume action {
        case .none:
            break
        case .all(let actions):
            for action in actions where isOpen { carryOut(action) }
        case .dropped:
            loop.metrics.counters.add(.commandErrors)
        case .send(let body):
            reply(body)
        case .refuse(let body):
            loop.metrics.counters.add(.commandErrors)
            reply(body)
        case .answer(let body):
            answer(body)
        case .deliver(let start):
            deliver(start)
        case .announce(let body, let start):
            reply(body)
            deliver(start)
        case .subscribe(let channel, let wish, let selection, let id):
            loop.flushHub()
            guard isOpen else { return }
            guard wish == .none || mayRecover else { return subscribeFailed(channel, request: id, .overloaded) }
            // One that a backend makes has no command, and holds up none.
            if wish != .none, id != 0 { inbound.reads.beginRecovery(id) }
            loop.shard.subscribe(self, to: channel, request: id, wish: wish, selection: selection)
        case .join(let subscription):
            join(subscription)
        case .leave(let channel, let request):
            leave(channel, request)
            // What another subscription's token opened may count again, and end sooner.
            scheduleExpiry()
        case .release(let format):
            release(format: format)
        case .unsubscribe(let channel, let replies):
            leave(channel)
            for body in replies { reply(body) }
        case .publish(let channel, let payload, let tags, let id):
            publish(channel, payload, tags, id: id)
        case .publishToOthers(let channel, let payload, let tags, let id):
            publish(channel, payload, tags, id: id, PublishTerms(qos: nil, isForOthers: true))
        case .publishOnTerms(let channel, let payload, let tags, let terms, let id):
            publish(channel, payload, tags, id: id, terms)
        case .history(let channel, let query, let id):
            readHistory(channel, query, id: id)
        case .presence(let channel, let id):
            readPresence(channel, id: id)
        case .presenceStats(let channel, let id):
            readPresenceStats(channel, id: id)
        case .authenticate(let token, let purpose):
            authenticate(token, purpose)
        case .begin(let subscriptions, let id):
            begin(subscriptions, id: id)
        case .disconnect(let disconnect, let reason):
            end(disconnect, reason: reason)
        }
    }

    private func publish(
        _ channel: ChannelName, _ payload: Payload, _ tags: PublicationTags, id: UInt32,
        _ terms: PublishTerms = PublishTerms(qos: nil)
    ) {
        inbound.pendingPublishes += 1
        let isNamed = loop.node.channels.rules(channel)?.publisherInfo == true
        let publication = Publication(
            channel: channel,
            payload: payload,
            publishedAt: loop.node.clock.wallMicroseconds(),
            metadata: isNamed || !tags.isEmpty || terms.qos != nil
                ? PublicationMetadata(tags: tags, info: isNamed ? session.info(in: channel) : nil, qos: terms.qos) : nil
        )
        let outcomes = loop.outcomes
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let options = PublishOptions(
            excludedClient: terms.isForOthers ? session.clientID.flatMap { ClientID($0) } : nil)
        loop.node.broker.publish(publication, options: options) { result in
            outcomes.post(.init(client: bound, id: id, answer: .published(result)))
        }
    }

    /// The broker's answer to something that this client asked for.
    func completed(_ id: UInt32, _ answer: LoopState.Outcome.Answer) {
        if answer.isRead { inbound.reads.end() } else { inbound.pendingPublishes -= 1 }
        if case .published(.success) = answer { loop.metrics.counters.add(.publicationsIn) }
        guard isOpen else { return }
        switch answer {
        case .published(let result):
            carryOut(session.published(id: id, result))
        case .read(let since, let result):
            let brought = (try? result.get()).map { ReadCost($0) } ?? ReadCost()
            answerRead(session.read(id: id, since: since, result, maxBytes: limits.maxQueueBytes / 4 * 3), brought)
        case .presence(let result):
            answerRead(session.presence(id: id, result, maxBytes: mostAnswerBytes), cost(result))
        case .presenceStats(let result):
            answerRead(session.presenceStats(id: id, result), ReadCost())
        }
        guard inbound.isPaused else { return }
        if answer.isRead {
            waitForTurn()
        } else if Int(inbound.pendingPublishes) < limits.maxPendingCommands / 2 {
            received()
        }
    }

    /// Stops or resumes reading the socket, so that TCP holds back a client that publishes faster than the broker takes.
    func setPaused(_ paused: Bool) {
        guard paused != inbound.isPaused, let transport else { return }
        inbound.isPaused = paused
        // What it said meanwhile was not heard: it has all its time anew.
        if !paused { grantLife(now: loop.node.clock.monotonicMicroseconds()) }
        transport.setReading(!paused)
    }
}
