import NIOCore
import Testing

@testable import FanfareWire

@Suite("Messages as lines and as events without positions")
struct LineFramingTests {
    private let position = StreamPosition(offset: 7, epoch: "e")

    @Test("a message is a line, a position is not told")
    func lines() {
        let framing = LineFraming()
        let body = Body(Payload(text: #"{"push":{}}"#))
        #expect(String(buffer: framing.seal(body, at: position)) == "{\"push\":{}}\n")
        #expect(String(buffer: ChunkedFraming(framing).seal(body, at: position)) == "c\r\n{\"push\":{}}\n\r\n")
    }

    @Test("an event has no id")
    func events() {
        let framing = UnpositionedFraming(EventStreamFraming())
        let body = Body(Payload(text: "{}"))
        #expect(String(buffer: framing.seal(body, at: position)) == "data: {}\n\n")
        #expect(framing.sizeHint(body, at: position) == framing.sizeHint(body, at: nil))
    }

    @Test("the end of a line is found from each of its bytes")
    func boundary() {
        let framing = LineFraming()
        let lines = ByteBuffer(string: "{}\n{\"a\":1}\n")
        #expect((0...11).map { framing.boundary(in: lines, from: $0) } == [0, 3, 3, 3, 11, 11, 11, 11, 11, 11, 11, 11])
    }
}
