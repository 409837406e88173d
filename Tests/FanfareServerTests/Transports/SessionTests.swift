import FanfareCore
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

/// The parts of sessions that outlive their requests, each alone.
@Suite("Sessions over requests")
struct SessionTests {
    @Test("one receiver is attached at a time, and asks once at a time")
    func receivers() {
        var machine = ReceiverStateMachine()
        let first = machine.ask(1)
        #expect(first && machine.attached == 1 && machine.isWaiting)
        let meanwhile = [machine.ask(2), machine.ask(1)]
        #expect(meanwhile == [false, false], "while it waits")
        machine.answered(stays: false)
        #expect(machine.attached == nil, "who asked once has left")
        let next = machine.ask(2)
        machine.answered(stays: true)
        let again = [machine.ask(1), machine.ask(2)]
        #expect(next && again == [false, true], "who stays asks again")
        let left = [machine.leave(1), machine.leave(2), machine.leave(2)]
        #expect(left == [false, true, false] && machine.attached == nil && !machine.isWaiting)
        let last = machine.ask(1)
        #expect(last)
    }

    @Test("bodies are taken apart in their order, and answered when the last message of each is taken")
    func inbox() {
        let form = SockJSForm(keepAlive: nil)
        var (inbox, answers) = (SessionInbox(), [Int]())
        for (number, body) in [#"["a","b"]"#, "[]", #"["c"]"#].enumerated() {
            let isAdded = inbox.add(ByteBuffer(string: body), limit: 100) { outcome in
                #expect(outcome == .taken)
                answers.append(number)
            }
            #expect(isAdded)
        }
        var texts: [String] = []
        while let message = inbox.next(form) {
            texts.append(String(buffer: message.bytes))
            inbox.answerTaken()
            if texts == ["a"] { #expect(answers.isEmpty) }
        }
        inbox.answerTaken()
        #expect(texts == ["a", "b", "c"] && answers == [0, 1, 2] && inbox.isEmpty)
    }

    @Test("a body without a message counts as one, others don't")
    func emptyBodies() {
        let form = SockJSForm(keepAlive: nil)
        var inbox = SessionInbox()
        for body in ["[]", #"["a"]"#, "[]"] { _ = inbox.add(ByteBuffer(string: body), limit: 100) { _ in } }
        let first = inbox.next(form)
        let beside = [inbox.takeEmpty(), inbox.takeEmpty()]
        #expect(first != nil && beside == [1, 0])
        let second = inbox.next(form)
        let behind = inbox.takeEmpty()
        #expect(second == nil && behind == 1)
    }

    @Test("an inbox has room for some bodies and some bytes, for one that is larger alone, and is emptied at the end")
    func inboxBounds() {
        var (inbox, answers) = (SessionInbox(), [SessionOutcome]())
        let body = ByteBuffer(string: #"["aaaa"]"#)
        let added = [1, 15].map { limit in inbox.add(body, limit: limit) { answers.append($0) } }
        #expect(added == [true, false], "one is never too large, but no more bytes than may wait")
        let more = (0..<SessionBounds.bodies).map { _ in inbox.add(body, limit: 1_000) { answers.append($0) } }
        #expect(more == Array(repeating: true, count: SessionBounds.bodies - 1) + [false], "more bodies than may wait")
        inbox.close()
        #expect(answers == Array(repeating: .taken, count: SessionBounds.bodies) && inbox.isEmpty)
    }

    @Test("what waits for other nodes is bounded altogether and for each address")
    func load() throws {
        let addresses = (0..<20).compactMap { ClientAddress("192.0.2.\($0)") }
        var count = AddressCount(limit: 10, each: 2)
        let first = [0, 0, 0].map { count.enter(addresses[$0]) }
        #expect(first == [true, true, false])
        let others = (1...9).map { count.enter(addresses[$0]) } + [count.enter(nil)]
        #expect(others == Array(repeating: true, count: 8) + [false, false], "all are taken")
        count.leave(addresses[0])
        let next = [count.enter(nil), count.enter(addresses[0])]
        #expect(next == [true, false])
        count.leave(nil)
        let last = count.enter(addresses[0])
        #expect(last && count.count == 10)
    }

    @Test("receivers leave places for bodies, abroad and for other nodes, and no node takes all")
    func kinds() throws {
        let (one, two) = (try #require(NodeID(rawValue: 1)), try #require(NodeID(rawValue: 2)))
        var answering = SessionAnswering()
        func enter(_ kind: SessionRequestKind, _ node: NodeID, _ count: Int) -> Int {
            var entered = 0
            while entered < count, answering.enter(kind, node) { entered += 1 }
            return entered
        }
        let receivers = enter(.receiver, one, SessionBounds.answering)
        #expect(receivers == SessionBounds.answeringReceiversOfNode)
        let bodies = enter(.body, one, SessionBounds.answering)
        #expect(receivers + bodies == SessionBounds.answeringOfNode)
        let others = enter(.receiver, two, 10)
        #expect(others == 10 && answering.refused == 2, "another node has its own")
        for _ in 0..<receivers { answering.leave(.receiver, one) }
        for _ in 0..<bodies { answering.leave(.body, one) }
        for _ in 0..<others { answering.leave(.receiver, two) }
        #expect(answering.count == 0)
        let again = enter(.receiver, one, SessionBounds.answering)
        #expect(again == receivers, "all places are back")

        var load = SessionLoad()
        let address = ClientAddress("192.0.2.1")
        let polls = (0..<SessionBounds.abroadOfAddress).filter { _ in load.enterAbroad(.receiver, address) }.count
        let sends = (0..<SessionBounds.abroadOfAddress).filter { _ in load.enterAbroad(.body, address) }.count
        #expect(polls == SessionBounds.abroadReceiversOfAddress && polls + sends == SessionBounds.abroadOfAddress)
    }

    @Test("routes are remembered up to their bound, the newest ones")
    func routes() throws {
        var routes = SessionRoutes()
        let node = try #require(NodeID(rawValue: 7))
        for number in 0..<SessionBounds.routes { routes.add(ExactText("\(number)"), node) }
        #expect(routes[ExactText("\(SessionBounds.routes - 1)")] == node && routes["0"] == node)
        routes.add("next", node)
        #expect(routes["0"] == nil && routes["next"] == node)
        routes.forget("next")
        #expect(routes["next"] == nil)
    }

    @Test("what nodes tell each other is read as it was written, and anything else is nothing")
    func wire() {
        let address = SessionAddress("sockjs/a/channels/b", secret: "token")
        let question = SessionQuestion(session: address, receiver: 9, wait: 25_000_000, stays: true)
        let read = SessionMessage.question(SessionMessage.fields(question))
        #expect(read?.session == address && read?.receiver == 9 && read?.wait == 25_000_000 && read?.stays == true)
        let left = SessionMessage.leave(SessionMessage.leave(question, aborted: true))
        #expect(left?.aborted == true && left?.0.receiver == 9)
        let replies: [SessionReply] = [
            .messages(ByteBuffer(string: "\"x\"\n")), .nothing, .occupied, .ended(code: 3008, reason: "slow"), .gone,
        ]
        for reply in replies { #expect(SessionMessage.reply(.success(SessionMessage.answer(reply))) == reply) }
        for outcome in [SessionOutcome.taken, .gone, .full] {
            #expect(SessionMessage.outcome(.success(SessionMessage.answer(outcome))) == outcome)
        }
        #expect(SessionMessage.reply(.failure(.unknownNode)) == .gone)
        #expect(SessionMessage.reply(.failure(.unavailable)) == .unavailable, "nothing was sent")
        #expect(SessionMessage.reply(.failure(.refused(.busy))) == .unavailable, "the session was not asked")
        #expect(SessionMessage.reply(.failure(.timeout)) == .unknown, "messages may be lost")
        #expect(SessionMessage.reply(.failure(.refused(.failed))) == .unknown)
        #expect(SessionMessage.reply(.success(ControlAnswer())) == .unknown, "what a newer node says")
        #expect(SessionMessage.outcome(.failure(.timeout)) == .unknown)
        let huge = SessionReply.messages(ByteBuffer(repeating: 0x61, count: SessionBounds.answerBytes + 1))
        #expect(SessionMessage.isTooLarge(huge) && !SessionMessage.isTooLarge(.nothing))
        guard case .ended(1009, _) = SessionMessage.reply(.success(SessionMessage.answer(huge))) else {
            Issue.record("a message that no other node can be given must not vanish")
            return
        }
        let long = SessionAddress(ExactText(String(repeating: "a", count: 600)), secret: nil)
        #expect(SessionMessage.address(SessionMessage.fields(long)) == nil)
    }

    @Test("a proof says nothing of the secret, and only the same secret has it")
    func proofs() {
        let (a, b) = (SessionAddress("s", secret: "a"), SessionAddress("s", secret: "b"))
        #expect(a == SessionAddress("s", secret: "a") && a != b && a != SessionAddress("s", secret: nil))
        #expect(a.proof.count == 32 && SessionAddress("s", secret: nil).proof.isEmpty)
    }
}
