import Testing

@testable import FanfareWire

@Suite("Cursors of polls as text")
struct PollCursorTests {
    private let node = NodeID.random()

    @Test("a cursor is read as it is written", arguments: [0, 1, 42, 999_999_999_999])
    func written(answers: UInt64) {
        let cursor = PollCursor(id: ClientID.make(node: node, loop: 3), answers: answers)
        let read = PollCursor("\(cursor)".utf8)
        #expect(read == cursor && read?.id.node == node && read?.id.loop == 3)
    }

    @Test(
        "nothing else is one",
        arguments: ["", ".", ".1", ".01", ".+1", ".-1", ".1 ", ". 1", ".x", ".1.1", ".1000000000000", "-1", "1"])
    func refused(tail: String) {
        let id = ClientID.make(node: node, loop: 0)
        #expect(PollCursor("\(id)\(tail)".utf8) == nil || tail == ".1")
        #expect(PollCursor("\(id)".uppercased().utf8) == nil)
        #expect(PollCursor(String(repeating: "0", count: 1_000_000).utf8) == nil)
    }
}
