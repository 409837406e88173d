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
        loop.node.broker.presence(of: channel, limit: limits.maxPresenceMembers) { result in
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

    /// Sends the answer to a read, and charges its bytes.
    func answerRead(_ action: consuming SessionAction) {
        guard case .answer(let body) = consume action, let frame = transport?.seal(body) else { return }
        inbound.throttle.answered(
            bytes: frame.readableBytes, loop.node.rates, now: loop.node.clock.monotonicMicroseconds())
        answer(frame)
    }

    /// A subscription is answered. If it had a recovery, the client goes on after what is under way now.
    func recoveryEnded(_ request: UInt32) {
        if inbound.reads.endRecovery(request), inbound.isPaused { waitForTurn() }
    }

    /// The client has taken something, or all: a command that waited for that may begin.
    func noteTaken() {
        if places.recoveredBytes > 0, !hasAnswerWaiting { places.forgetRecovery(loop.node) }
        if session.hasCommands, !inbound.reads.isClosed, hasRoom, isOpen { waitForTurn() }
    }
}

/// What a client missed is the biggest answer there is: the node holds a budget of such bytes that wait for clients.
extension Client {
    /// Whether something may be read for a client that comes back.
    var mayRecover: Bool { loop.node.recoveries.hasRoom && places.ofAddress?.recoveries.hasRoom != false }

    /// Takes the bytes of an answer out of the budgets of node and address; they are given back when the client has taken
    /// everything. Returns whether there were so many.
    func takeRecovery(_ bytes: Int) -> Bool {
        guard places.takeRecovery(bytes, loop.node) else { return false }
        if bytes > 0 {
            inbound.throttle.recovered(
                bytes: bytes, loop.node.rates, now: loop.node.clock.monotonicMicroseconds())
        }
        return true
    }
}
