import FanfareCore
import FanfareWire
import NIOCore
import Synchronization

/// Takes questions of polls to where the answers are kept: to an event loop of this node by its mailbox, to another node by the
/// control bus. Any thread.
final class PollRelay: Sendable {
    private struct State: Sendable {
        var desks: [Int: Mailbox<PollBuffers.Event>] = [:]
        var bus: ControlBus?
        /// Questions that wait for other nodes, all and by the address of their poll.
        var abroad = 0
        var byAddress: [ClientAddress: Int] = [:]
        /// Questions of other nodes that are not answered yet.
        var answering = 0
    }

    private let node: NodeID
    private let state = Mutex(State())

    init(_ node: NodeID) { self.node = node }

    func add(_ mailbox: Mailbox<PollBuffers.Event>, loop: Int) { state.withLock { $0.desks[loop] = mailbox } }

    /// Before the bus is started: from then on other nodes may ask.
    func connect(_ bus: ControlBus) {
        state.withLock { $0.bus = bus }
        bus.handle(.poll) { [weak self] request, answer in
            guard let self else { return answer(PollMessage.answer(.gone)) }
            asked(request.fields, answer)
        }
        bus.handle(.pollEnded) { [weak self] request, _ in
            guard let question = PollMessage.question(request.fields) else { return }
            self?.desk(question.cursor)?.post(.leave(question.cursor, poll: question.poll))
        }
    }

    /// Another node asks.
    func asked(_ fields: ControlFields, _ answer: @escaping @Sendable (ControlAnswer) -> Void) {
        guard let question = PollMessage.question(fields), question.cursor.id.node == node,
            let desk = desk(question.cursor)
        else { return answer(PollMessage.answer(.gone)) }
        let isTaken = state.withLock { state in
            guard state.answering < PollBounds.answering else { return false }
            state.answering += 1
            return true
        }
        guard isTaken else { return answer(ControlAnswer(.busy)) }
        desk.post(
            .question(question) { [weak self] reply in
                self?.state.withLock { $0.answering -= 1 }
                answer(PollMessage.answer(reply))
            })
    }

    private func desk(_ cursor: PollCursor) -> Mailbox<PollBuffers.Event>? {
        state.withLock { $0.desks[cursor.id.loop] }
    }

    /// Asks for a poll; the answer is ``CursorPoll/replied(_:)``, at once or later. On the poll's event loop.
    func ask(_ question: PollQuestion, for poll: CursorPoll, of exchange: Exchange) {
        let loop = exchange.loop
        guard question.cursor.id.node == node else { return askAbroad(question, for: poll, of: exchange) }
        guard question.cursor.id.loop != loop.index else { return loop.polls.ask(question) { poll.replied($0) } }
        guard let desk = desk(question.cursor) else { return poll.replied(.gone) }
        let (own, bound) = (loop.polls.mailbox, NIOLoopBound(poll, eventLoop: loop.eventLoop))
        desk.post(.question(question) { own.post(.reply(bound, $0)) })
    }

    private func askAbroad(_ question: PollQuestion, for poll: CursorPoll, of exchange: Exchange) {
        let address = exchange.caller.isTrusted ? nil : exchange.caller.address.counted
        guard let bus = enter(address) else { return poll.replied(.unavailable) }
        let (own, bound) = (exchange.loop.polls.mailbox, NIOLoopBound(poll, eventLoop: exchange.loop.eventLoop))
        bus.request(
            .poll, fields: PollMessage.fields(question), to: question.cursor.id.node,
            within: .microseconds(question.wait) + ControlBounds.answerTime
        ) { [self] result in
            leave(address)
            own.post(.reply(bound, PollMessage.reply(result)))
        }
    }

    /// A poll's client has gone.
    func leave(_ question: PollQuestion, from loop: LoopState) {
        let cursor = question.cursor
        guard cursor.id.node == node else {
            let bus = state.withLock(\.bus)
            bus?.notify(.pollEnded, fields: PollMessage.fields(question), to: cursor.id.node)
            return
        }
        guard cursor.id.loop != loop.index else { return loop.polls.leave(cursor, poll: question.poll) }
        desk(cursor)?.post(.leave(cursor, poll: question.poll))
    }

    /// Takes a place among the questions that wait for other nodes.
    ///
    /// - Returns: `nil`: there is none.
    private func enter(_ address: ClientAddress?) -> ControlBus? {
        state.withLock { state in
            guard state.abroad < PollBounds.abroad, let bus = state.bus else { return nil }
            if let address {
                guard state.byAddress[address, default: 0] < PollBounds.abroadOfAddress else { return nil }
                state.byAddress[address, default: 0] += 1
            }
            state.abroad += 1
            return bus
        }
    }

    private func leave(_ address: ClientAddress?) {
        state.withLock { state in
            state.abroad -= 1
            guard let address, let count = state.byAddress[address] else { return }
            state.byAddress[address] = count > 1 ? count - 1 : nil
        }
    }
}
