import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// What a client reads from the broker: one thing at a time, and only while little waits for it.
///
/// An answer counts before it is read. A client that does not take its answers is not read further, and ends by its slow
/// timeout; what it holds of the node is one answer, whatever it asked for.
extension Client {
    /// Whether the client has taken enough to be given another answer.
    var hasRoom: Bool { !hasAnswerWaiting && outbound.outbox.bytes + outbound.turn.bytes <= limits.maxQueueBytes / 4 }

    /// Bytes of publications or members in one answer, about: with what may wait already it fits the queue.
    var mostAnswerBytes: Int { limits.maxQueueBytes / 2 }

    /// Whether what came has to wait: for the end of a read, or for the client to take what waits for it.
    var isReadingOrWaiting: Bool { inbound.reads.isClosed || session.hasCommands }

    func readHistory(_ channel: ChannelName, _ query: HistoryQuery, id: UInt32) {
        var query = query
        query.maxBytes = min(query.maxBytes, mostAnswerBytes)
        let (outcomes, bound) = beginRead()
        loop.node.broker.history(channel, query) { [query] result in
            outcomes.post(.init(client: bound, id: id, answer: .read(since: query.since, result)))
        }
    }

    /// Asks who is there. What this loop has not told of the channel yet is told first: a client that asks finds itself.
    func readPresence(_ channel: ChannelName, id: UInt32) {
        loop.presence.tell(channel)
        let (outcomes, bound) = beginRead()
        loop.node.broker.presence(of: channel, limit: limits.maxPresenceMembers, maxBytes: mostAnswerBytes) { result in
            outcomes.post(.init(client: bound, id: id, answer: .presence(result)))
        }
    }

    /// Asks how many are there.
    func readPresenceStats(_ channel: ChannelName, id: UInt32) {
        loop.presence.tell(channel)
        let (outcomes, bound) = beginRead()
        loop.node.broker.presenceStats(of: channel) { result in
            outcomes.post(.init(client: bound, id: id, answer: .presenceStats(result)))
        }
    }

    private func beginRead() -> (Mailbox<LoopState.Outcome>, NIOLoopBound<Client>) {
        inbound.reads.begin()
        return (loop.outcomes, NIOLoopBound(self, eventLoop: loop.eventLoop))
    }

    /// Sends the answer to a read. What it brought is charged, whatever becomes of it, or its answer where that is more.
    func answerRead(_ action: consuming SessionAction, _ brought: ReadCost) {
        let now = loop.node.clock.monotonicMicroseconds()
        // Consumed, so that a body is sealed in place.
        switch consume action {
        case .answer(let body):
            var cost = brought
            let frame = transport?.sealWhole(body)
            if let frame { cost.bytes = max(cost.bytes, frame.readableBytes) }
            inbound.throttle.answered(cost, loop.node.rates, now: now)
            if let frame { answer(frame) }
        case let several:
            var cost = brought
            // Of several reads that one answer has, the last brings it.
            if case .all(let actions) = several {
                for case .answer(let body) in actions { cost.bytes = max(cost.bytes, body.count) }
            }
            inbound.throttle.answered(cost, loop.node.rates, now: now)
            carryOut(several)
        }
    }

    /// What a read of members brought. Those whose bytes were too many were read before anybody knew.
    func cost(_ result: Result<PresencePage, BrokerError>) -> ReadCost {
        guard case .success(let page) = result else { return ReadCost() }
        guard page.isTooLarge, page.total <= limits.maxPresenceMembers else { return ReadCost(page) }
        return ReadCost(bytes: mostAnswerBytes)
    }

    /// A subscription is answered. If it had a recovery, the client goes on after what is under way now.
    func recoveryEnded(_ request: UInt32) {
        if inbound.reads.endRecovery(request), inbound.isPaused { waitForTurn() }
    }

    /// The client has taken something, or all: a command that waited for that may begin.
    func noteTaken() {
        if places.recoveredBytes > 0, !hasAnswerWaiting { places.forgetRecovery(loop.node) }
        if session.isOver, isOpen, outbound.outbox.isEmpty, outbound.turn.isEmpty { return end(.normal) }
        if session.hasCommands, !inbound.reads.isClosed, hasRoom, isOpen { waitForTurn() }
    }
}

/// What a client missed is the biggest answer there is: the node holds a budget of such bytes that wait for clients.
extension Client {
    /// Whether something may be read for a client that comes back.
    var mayRecover: Bool { hasRecoveryRoom && !isAddressInDebt }

    /// Whether there is room for what it missed.
    var hasRecoveryRoom: Bool { loop.node.recoveries.hasRoom && places.ofAddress?.recoveries.hasRoom != false }

    /// Whether so much was read for clients of its address that it has to wait.
    var isAddressInDebt: Bool {
        places.ofAddress?.isInDebt(now: loop.node.clock.monotonicMicroseconds()) == true
    }

    /// Charges what was read for a subscription, its address only with its share of what the broker was asked for, and takes the bytes
    /// that its client gets out of the budgets of node and address; they are given back when the client has taken everything. Returns
    /// whether there were so many.
    func takeRecovery(_ bytes: Int, of start: SubscriptionStart) -> Bool {
        let cost = start.read.orMore(ReadCost(bytes: bytes, items: start.publications.count))
        if cost.reads > 1 {
            let now = loop.node.clock.monotonicMicroseconds()
            inbound.throttle.recovered(cost, loop.node.rates, now: now)
            places.ofAddress?.recovered(items: start.asked, now: now)
        }
        return places.takeRecovery(bytes, loop.node)
    }
}
