import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Turn")
struct TurnTests {
    /// Turns that these commands of one message take.
    private func turns(_ count: Int, _ method: String) throws -> Int {
        var queue = CommandQueue()
        queue.add(try .test(Array(repeating: method, count: count)))
        var turns = 0
        while queue.isHeldUp {
            turns += 1
            var turn = Turn()
            while !turn.isOver, case .perform(let command) = queue.next(hasRoom: true) { turn.take(command) }
        }
        return turns
    }

    @Test("512 commands of one message take eight turns")
    func commands() throws {
        #expect(try turns(512, #""ping":{}"#) == 8)
    }

    @Test(
        "128 tokens to be checked take 32 turns, four in each, with whatever command they come",
        arguments: [
            #""subscribe":{"channel":"a","token":"t"}"#, #""refresh":{"token":"t"}"#,
            #""sub_refresh":{"channel":"a","token":"t"}"#, #""connect":{"token":"t"}"#,
        ])
    func tokens(method: String) throws {
        #expect(try turns(128, method) == 32)
    }

    @Test("the token of an upgrade's request counts, and so do the channels that connect names")
    func connect() {
        let plain = CentrifugeCommand(id: 1, method: .connect(token: nil))
        #expect(Turn.weight(plain, withToken: false) == 1)
        #expect(Turn.weight(plain, withToken: true) == Turn.token)
        let channels = (0..<128).map { CentrifugeSubscribe(channel: ExactText("\($0)")) }
        let many = CentrifugeCommand(id: 1, method: .connect(CentrifugeConnect(subscriptions: channels)))
        #expect(Turn.weight(many, withToken: false) == 17)
    }

    @Test("a big message counts for more than a small one, and a last turn has no end")
    func messages() {
        var turn = Turn()
        turn.take(messageBytes: 65_536)
        #expect(!turn.isOver)
        turn.take(messageBytes: 65_536)
        #expect(turn.isOver)
        var last = Turn(isEndless: true)
        for _ in 0..<10_000 { last.take(messageBytes: 65_536) }
        #expect(!last.isOver)
    }
}
