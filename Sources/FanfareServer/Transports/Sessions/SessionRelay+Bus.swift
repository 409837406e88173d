import FanfareCore
import FanfareWire
import NIOCore
import Synchronization

/// What other nodes ask.
extension SessionRelay {
    /// Before the bus is started: from then on other nodes may ask.
    func connect(_ bus: ControlBus) {
        state.withLock { $0.bus = bus }
        bus.handle(.sessionFind) { [weak self] request, answer in
            let name = SessionMessage.address(request.fields)?.name
            let isHere = name.map { name in self?.state.withLock { $0.loops[name] != nil } ?? false } ?? false
            answer(ControlAnswer(isHere ? .ok : .failed))
        }
        bus.handle(.sessionReceive) { [weak self] request, answer in
            guard let self, var question = SessionMessage.question(request.fields),
                let mailbox = mailbox(question.session)
            else { return answer(SessionMessage.answer(SessionReply.gone)) }
            question.asker = request.sender
            let sender = request.sender
            guard begin(.receiver, sender) else { return answer(ControlAnswer(.busy)) }
            let session = question.session
            mailbox.post(
                .receive(question) { [weak self, weak mailbox] reply in
                    self?.ended(.receiver, sender)
                    if SessionMessage.isTooLarge(reply) { mailbox?.post(.tooLarge(session)) }
                    answer(SessionMessage.answer(reply))
                })
        }
        bus.handle(.sessionLeave) { [weak self] request, _ in
            guard let self, let (question, aborted) = SessionMessage.leave(request.fields) else { return }
            mailbox(question.session)?.post(
                .leave(question.session, receiver: question.receiver, aborted: aborted))
        }
        bus.handle(.sessionSend) { [weak self] request, answer in
            guard let self, let address = SessionMessage.address(request.fields), let mailbox = mailbox(address) else {
                return answer(SessionMessage.answer(SessionOutcome.gone))
            }
            let sender = request.sender
            guard begin(.body, sender) else { return answer(ControlAnswer(.busy)) }
            let event = SessionTable.Event.send(address, request.body) { [weak self] outcome in
                self?.ended(.body, sender)
                answer(SessionMessage.answer(outcome))
            }
            let weight = request.body.readableBytes + EmulationBounds.overhead
            guard mailbox.post(contentsOf: [event], weight: weight, limit: EmulationBounds.loopBytes) else {
                ended(.body, sender)
                return answer(SessionMessage.answer(SessionOutcome.full))
            }
        }
    }

    private func mailbox(_ address: SessionAddress) -> Mailbox<SessionTable.Event>? {
        state.withLock { state in state.loops[address.name].flatMap { state.mailboxes[$0] } }
    }

    private func begin(_ kind: SessionRequestKind, _ node: NodeID) -> Bool {
        state.withLock { $0.answering.enter(kind, node) }
    }

    private func ended(_ kind: SessionRequestKind, _ node: NodeID) {
        state.withLock { $0.answering.leave(kind, node) }
    }
}
