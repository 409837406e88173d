import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("Event streams")
struct EventStreamFramingTests {
    private let framing = EventStreamFraming()
    private let place = StreamPosition(offset: 42, epoch: "k3vxq7ab")

    private func frame(_ text: String, at position: StreamPosition? = nil) -> ByteBuffer {
        framing.seal(Body(Payload(text: text)), at: position)
    }

    private func read(_ frames: ByteBuffer...) -> EventStreamReader {
        var reader = EventStreamReader()
        for frame in frames { reader.feed(frame.readableBytesView) }
        return reader
    }

    /// What the format makes of a text: each line break it knows is LF.
    private func withLF(_ text: String) -> ExactText {
        var output: [UInt8] = []
        var before: UInt8 = 0
        for byte in text.utf8 {
            if byte == 0x0D || byte == 0x0A && before != 0x0D { output.append(0x0A) }
            if byte != 0x0D && byte != 0x0A { output.append(byte) }
            before = byte
        }
        return ExactText(String(decoding: output, as: UTF8.self))
    }

    @Test(
        "a text is an event, with a field for each line",
        arguments: [
            ("hello", "data: hello\n\n"), ("", "data: \n\n"), (" x", "data:  x\n\n"), ("a\nb", "data: a\ndata: b\n\n"),
            ("a\rb\r\nc", "data: a\ndata: b\ndata: c\n\n"), ("\n", "data: \ndata: \n\n"),
            ("\r\r\n\n", "data: \ndata: \ndata: \ndata: \n\n"), ("data: x\n\n", "data: data: x\ndata: \ndata: \n\n"),
            ("a\u{2028}b\u{85}c", "data: a\u{2028}b\u{85}c\n\n"),
        ])
    func text(payload: String, expected: String) {
        let bytes = Array(frame(payload).readableBytesView)
        #expect(bytes == Array(expected.utf8), "\(String(decoding: bytes, as: UTF8.self))")
    }

    @Test("a publication with a position has it as its id, and the reader comes back with what was last")
    func id() {
        #expect(String(buffer: frame("x", at: place)) == "id: 42.k3vxq7ab\ndata: x\n\n")
        let reader = read(frame("x", at: place), frame("y"), EventStreamFraming.ping)
        #expect(
            reader.events == [
                .init(data: "x", lastEventID: "42.k3vxq7ab"), .init(data: "y", lastEventID: "42.k3vxq7ab"),
            ])
        #expect(StreamPosition(reader.lastEventID) == place)
        let longest = StreamPosition(offset: .max, epoch: String(repeating: "z", count: 15))
        #expect(read(frame("", at: longest)).lastEventID.utf8.count == StreamPosition.maximumTextBytes)
    }

    @Test("binary is an event with a name of its own")
    func binary() {
        let payload = Payload(kind: .binary, bytes: ByteBuffer(bytes: [0xFF, 0, 0x0A, 0x0D]))
        let frame = framing.seal(Body(payload), at: place)
        #expect(String(buffer: frame) == "id: 42.k3vxq7ab\nevent: binary\ndata: /wAKDQ==\n\n")
        let empty = framing.seal(Body(Payload(kind: .binary, bytes: ByteBuffer())), at: nil)
        #expect(read(frame, empty, self.frame("x")).events.map(\.type) == ["binary", "binary", "message"])
        #expect(read(empty).events == [.init(type: "binary", data: "")])
    }

    @Test("pings are nothing to a reader, and `retry` says when it comes back")
    func others() {
        let reader = read(
            EventStreamFraming.ping, frame("x"), EventStreamFraming.retry(milliseconds: 4_200), EventStreamFraming.ping)
        #expect(reader.events == [.init(data: "x")] && reader.comments == 2 && reader.reconnectionTime == 4_200)
        #expect(String(buffer: EventStreamFraming.retry(milliseconds: .max)) == "retry: 4294967295\n")
    }

    @Test("a body that a codec wrote is framed like a payload")
    func written() {
        let body = Body(.text, sizeHint: 8) { $0.writeString("a\nb") }
        #expect(framing.seal(body, at: place) == frame("a\nb", at: place))
        #expect(String(buffer: body.bytes) == "a\nb")
    }

    @Test("text that is not UTF-8 takes nothing of the events around it")
    func invalid() {
        let broken = Payload(kind: .text, bytes: ByteBuffer(bytes: [0xE2, 0x0A, 0x82, 0x0D, 0xFF]))
        let events = read(frame("x"), framing.seal(Body(broken), at: nil), frame("y")).events
        #expect(events.map(\.data) == ["x", "\u{FFFD}\n\u{FFFD}\n\u{FFFD}", "y"])
    }

    @Test("whatever a payload is made of, a reader gets it back with LF for each line break", arguments: 0..<20)
    func anything(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var (stream, reader) = (ByteBuffer(), EventStreamReader())
        var expected: [EventStreamReader.Event] = []
        for offset in 1...300 as ClosedRange<UInt64> {
            let text = OddText.make(&random)
            let position = Bool.random(using: &random) ? StreamPosition(offset: offset, epoch: "e\(seed)") : nil
            let id = position.map { ExactText("\($0)") } ?? expected.last?.lastEventID ?? ""
            let body: Body
            if Int.random(in: 0..<4, using: &random) == 0 {
                body = Body(Payload(kind: .binary, bytes: ByteBuffer(string: text)))
                let base64 = String(decoding: Base64.encode(text.utf8), as: UTF8.self)
                expected.append(.init(type: "binary", data: ExactText(base64), lastEventID: id))
            } else {
                body = Body(Payload(text: text))
                expected.append(.init(data: withLF(text), lastEventID: id))
            }
            let frame = framing.seal(body, at: position)
            #expect(frame.readableBytes <= framing.sizeHint(body, at: position))
            stream.writeImmutableBuffer(frame)
            if Bool.random(using: &random) { stream.writeImmutableBuffer(EventStreamFraming.ping) }
            if Bool.random(using: &random) { stream.writeImmutableBuffer(EventStreamFraming.retry(milliseconds: 5)) }
        }
        // In pieces cut anywhere.
        while let piece = stream.readSlice(length: min(stream.readableBytes, Int.random(in: 1..<40, using: &random))),
            piece.readableBytes > 0
        {
            reader.feed(piece.readableBytesView)
        }
        #expect(reader.events == expected)
    }

    @Test("a text of line breaks alone grows sevenfold, in memory reserved at once")
    func longest() {
        let body = Body(Payload(text: String(repeating: "\n", count: 65_536)))
        let frame = framing.seal(body, at: nil)
        #expect(frame.readableBytes == 7 * 65_536 + 8 && frame.readableBytes == framing.sizeHint(body, at: nil))
    }
}
