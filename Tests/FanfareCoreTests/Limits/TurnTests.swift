import Testing

@testable import FanfareCore

@Suite("Turn")
struct TurnTests {
    @Test("a big message counts for more than a small one, and a last turn has no end")
    func messages() {
        var turn = Turn()
        turn.take(messageBytes: 32_768)
        #expect(!turn.isOver)
        turn.take(messageBytes: 32_768)
        #expect(turn.isOver)
        var last = Turn(isEndless: true)
        for _ in 0..<10_000 { last.take(messageBytes: 65_536) }
        #expect(!last.isOver)
    }
}
