import FanfareWire
import NIOCore

/// What comes in, and how what goes out leaves.
extension ControlBus {
    /// Takes what the broker posted, where `run` of the initializer runs it.
    func visitMailbox() {
        for event in mailbox.take() {
            switch event {
            case .publication(let prepared): received(prepared.publication)
            case .subscribed(let channel, _, _):
                let isComplete = state.withLock { state in
                    state.heard.insert(channel)
                    return state.heard.count == 2
                }
                if isComplete { announce(isHello: true) }
            case .subscribeFailed(let channel, _, _):
                let at = clock.monotonicMicroseconds() &+ ControlBounds.retry.microseconds
                state.withLock { state in
                    state.heard.remove(channel)
                    state.retryAt = state.retryAt ?? at
                }
            // Before its channels are there nobody could tell it anything.
            case .returned: if state.withLock({ $0.heard.count == 2 }) { announce(isHello: true) }
            case .insufficient, .history, .presence: break
            }
        }
    }

    private func received(_ publication: Publication) {
        guard !state.withLock(\.isStopped) else { return }
        metrics.addShared(.received)
        guard let message = ControlMessage(publication.payload.bytes) else { return metrics.addShared(.unreadable) }
        switch message.kind {
        case .answer: answered(message)
        case .request: requested(message)
        case .notice:
            switch message.command {
            case .announce: announced(message)
            case .leave: gone([message.sender], hasLeft: true)
            default: requested(message)
            }
        }
    }

    private func answered(_ message: ControlMessage) {
        var answer = ControlAnswer(message.status, fields: message.fields, body: message.body)
        answer.node = message.sender
        let finished = state.withLock { $0.exchange.answered(message.number, by: message.sender, answer) }
        if let finished { complete([finished]) }
    }

    private func requested(_ message: ControlMessage) {
        let wantsAnswer = message.kind == .request
        let (handler, isBusy) = state.withLock { state -> (Handler?, Bool) in
            let isBusy = wantsAnswer && state.answering >= ControlBounds.answering
            let handler = state.handlers[message.command]
            if wantsAnswer, handler != nil, !isBusy { state.answering += 1 }
            return (handler, isBusy)
        }
        guard let handler else {
            metrics.addShared(.unknownCommands)
            if wantsAnswer { answer(message, ControlAnswer(.unknownCommand)) }
            return
        }
        guard !isBusy else { return answer(message, ControlAnswer(.busy)) }
        let request = ControlRequest(
            command: message.command, sender: message.sender, fields: message.fields, body: message.body)
        handler(request) { [weak self] answer in
            guard wantsAnswer, let self else { return }
            state.withLock { $0.answering -= 1 }
            self.answer(message, answer)
        }
    }

    private func answer(_ request: ControlMessage, _ answer: ControlAnswer) {
        var message = ControlMessage(
            kind: .answer, command: request.command, status: answer.status, sender: node.id, number: request.number,
            fields: answer.fields, body: answer.body)
        if message.encoded() == nil {
            message.status = .failed
            message.fields = ControlFields()
            message.body = ByteBuffer()
        }
        send(message, to: .node(request.sender))
    }

    private func announced(_ message: ControlMessage) {
        let now = clock.monotonicMicroseconds()
        guard let other = ClusterNode(id: message.sender, message.fields, now: now) else {
            return metrics.addShared(.unreadable)
        }
        let (heard, lost) = state.withLock { state -> (ClusterView.Heard, [NodeID]) in
            let heard = state.view.heard(other)
            // Each counts once: whoever repeats what we said does not make others go.
            guard heard == .own, let own = state.announced, own.number == message.number else { return (heard, []) }
            state.announced = nil
            return (heard, state.view.cameBack(sentAt: own.at))
        }
        gone(lost, hasLeft: false)
        switch heard {
        case .new:
            metrics.addShared(.nodes)
            // It hears of us at once, whether it asked or not: it may have missed us as we missed it.
            send(self.message(.notice, .announce, node.fields), to: .node(other.id))
        case .conflict: metrics.addShared(.conflicts)
        case .refused: metrics.addShared(.refused)
        case .known:
            if message.fields[number: Self.helloField] != nil {
                send(self.message(.notice, .announce, node.fields), to: .node(other.id))
            }
        case .own: break
        }
    }

    /// Nodes are out of view, or say so.
    private func gone(_ ids: [NodeID], hasLeft: Bool) {
        for id in ids {
            let finished = state.withLock { state -> [ControlExchange<Waiter>.Finished]? in
                guard !hasLeft || state.view.left(id) else { return nil }
                return state.exchange.gone(id)
            }
            guard let finished else { continue }
            metrics.addShared(.nodes, -1)
            complete(finished)
        }
    }

    /// In an announcement: the node has just come, or come back, and wants to hear of all others.
    private static let helloField: UInt16 = 4

    /// Tells all nodes that this one is there.
    func announce(isHello: Bool) {
        var fields = node.fields
        if isHello { fields[number: Self.helloField] = 1 }
        let message = message(.notice, .announce, fields)
        let now = clock.monotonicMicroseconds()
        let goes = state.withLock { state in
            guard !state.isStopped else { return false }
            state.announced = (message.number, now)
            state.announceAt = now &+ ControlBounds.announceInterval.microseconds
            return true
        }
        if goes { send(message, to: .control) }
    }

    func message(
        _ kind: ControlMessage.Kind, _ command: ControlCommand, _ fields: ControlFields = ControlFields(),
        _ body: ByteBuffer = ByteBuffer()
    ) -> ControlMessage {
        ControlMessage(
            kind: kind, command: command, sender: node.id, number: state.withLock { $0.exchange.nextNumber() },
            fields: fields, body: body)
    }

    /// Hands a message to the broker. A request that was not sent ends.
    ///
    /// - Parameter checked: the node of which this asks whether it hears it; `nil`: it says something.
    func send(_ message: ControlMessage, to channel: ChannelName, checking checked: NodeID? = nil) {
        guard let bytes = message.encoded() else { return failed(message, .tooLarge) }
        metrics.addShared(.sent)
        let publication = Publication(channel: channel, payload: Payload(kind: .binary, bytes: bytes))
        broker.publish(publication) { [weak self] result in
            switch result {
            case .success(let receipt):
                if let receivers = receipt.receivers { self?.heard(message, on: channel, by: receivers, checked) }
            // It may have been published: then the answer comes, or the deadline.
            case .failure(let error): if error.outcome == .notPublished { self?.failed(message, .unavailable) }
            }
        }
    }

    /// The broker says how many nodes a message reached.
    private func heard(_ message: ControlMessage, on channel: ChannelName, by receivers: Int, _ checked: NodeID?) {
        guard channel != .control else {
            if message.command == .announce { state.withLock { $0.hearing.announced(receivers) } }
            return
        }
        guard state.withLock(\.hearing.isKnown) else { return }
        guard let checked else {
            if receivers == 0, message.kind == .request { failed(message, .deaf) }
            return
        }
        let lost = state.withLock { state in
            state.hearing.checked(checked, receivers) ? state.exchange.deaf(checked) : []
        }
        metrics.addShared(.timeouts, lost.count)
        complete(lost)
    }

    private func failed(_ message: ControlMessage, _ error: ControlError) {
        metrics.addShared(.refused)
        guard message.kind == .request else { return }
        guard let finished = state.withLock({ $0.exchange.finish(message.number) }) else { return }
        finished.waiter.fail(error)
    }

    func complete(_ finished: [ControlExchange<Waiter>.Finished]) {
        for finished in finished {
            finished.waiter.complete(finished.answers, finished.missing, finished.isLate)
        }
    }
}
