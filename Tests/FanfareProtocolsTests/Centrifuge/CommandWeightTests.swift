import FanfareCore
import FanfareWire
import Testing

@testable import FanfareProtocols

@Suite("Weight of commands")
struct CommandWeightTests {
    /// Turns that these commands of one message take.
    private func turns(_ count: Int, _ method: String) throws -> Int {
        var queue = CommandQueue()
        queue.add(try .test(Array(repeating: method, count: count)))
        var turns = 0
        while !queue.isEmpty {
            turns += 1
            var turn = Turn()
            while !turn.isOver, case .perform(let command) = queue.next(mayRead: true) {
                turn.take(command.weight(withToken: false))
            }
        }
        return turns
    }

    @Test("512 commands of one message take sixteen turns")
    func commands() throws {
        #expect(try turns(512, #""ping":{}"#) == 16)
    }

    @Test(
        "128 tokens to be checked take 64 turns, with whatever command they come",
        arguments: [
            #""subscribe":{"channel":"a","token":"t"}"#, #""refresh":{"token":"t"}"#,
            #""sub_refresh":{"channel":"a","token":"t"}"#, #""connect":{"token":"t"}"#,
        ])
    func tokens(method: String) throws {
        #expect(try turns(128, method) == 64)
    }

    @Test("the token of an upgrade's request counts, and so do the channels that connect names")
    func connect() {
        let plain = CentrifugeCommand(id: 1, method: .connect(token: nil))
        #expect(plain.weight(withToken: false) == 1)
        #expect(plain.weight(withToken: true) == Turn.token)
        let channels = (0..<128).map { CentrifugeSubscribe(channel: ExactText("\($0)")) }
        let many = CentrifugeCommand(id: 1, method: .connect(CentrifugeConnect(subscriptions: channels)))
        #expect(many.weight(withToken: false) == 17)
    }
}
