import FanfareCore
import FanfareWire
import NIOCore

/// What requests ask.
extension EngineIOPolling {
    func receive(_ question: SessionQuestion, _ answer: @escaping (SessionReply) -> Void) {
        endIfOverdue()
        switch machine.poll(question.receiver, through: question.asker) {
        case .wait: wait(question, answer)
        case .replace:
            let released = waiting
            wait(question, answer)
            released?(.nothing)
        case .noop: answer(.messages(EngineIOFrames.noop))
        case .duplicate:
            answerWaiting(EngineIOFrames.close)
            answer(.occupied)
            client?.lost(.protocolError)
        case .moved: answer(.occupied)
        case .gone: answer(.gone)
        }
    }

    private func wait(_ question: SessionQuestion, _ answer: @escaping (SessionReply) -> Void) {
        cameBack()
        waiting = answer
        maxPackets = question.maxMessages ?? .max
        // What this turn brought counts, too.
        loop.flushHub()
        client?.flushTurn()
        deliver()
    }

    /// Answers the poll in any case: who passed it on counts it until then.
    func leave(_ receiver: UInt64, aborted: Bool) {
        if aborted {
            if machine.left(receiver) { client?.lost(.abnormal) }
        } else if machine.released(receiver) {
            let released = waiting
            waiting = nil
            released?(.nothing)
        }
    }

    func send(_ body: ByteBuffer, _ answer: @escaping (SessionOutcome) -> Void) {
        endIfOverdue()
        switch machine.post() {
        case .take: take(body, answer)
        case .duplicate:
            answer(.full)
            client?.lost(.protocolError)
        case .moved: answer(.full)
        case .gone: answer(.gone)
        }
    }

    private func take(_ body: ByteBuffer, _ answer: @escaping (SessionOutcome) -> Void) {
        cameBack()
        guard let client, client.isOpen else {
            machine.posted()
            return answer(.taken)
        }
        guard let payload = EngineIOPayload(body) else {
            answer(.full)
            client.lost(.protocolError)
            return
        }
        inbox = EngineIOInbox(payload, answer)
        client.charge(bytes: body.readableBytes, now: loop.node.clock.monotonicMicroseconds())
        client.waitForTurn()
    }

    func answerWaiting(_ frames: ByteBuffer) {
        let answer = waiting
        waiting = nil
        machine.answered()
        answer?(.messages(frames))
    }
}
