import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

@Suite("Bodies and framings")
struct FramingTests {
    private let webSocket = WebSocketFraming()

    private func address(_ buffer: ByteBuffer) -> UnsafeRawPointer? {
        buffer.withVeryUnsafeBytes { UnsafeRawPointer($0.baseAddress) }
    }

    private func text(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test(
        "a body that was written is sealed where it is, in every length of header",
        arguments: [0, 1, 125, 126, 65_535, 65_536, 100_000])
    func written(count: Int) {
        let text = text(count)
        var place: UnsafeRawPointer?
        let frame = webSocket.seal(
            Body(.text, sizeHint: 8) { buffer in
                buffer.writeString(text)
                place = address(buffer)
            })
        #expect(frame == WebSocketFrame.encode(.text, payload: ByteBuffer(string: text)))
        #expect(place != nil && address(frame) == place)
    }

    @Test("a body in parts is the same message as in one piece", arguments: [0, 100, 70_000])
    func parts(count: Int) {
        let parts = [ByteBuffer(string: text(count)), ByteBuffer(string: "]}")]
        let body = Body(.text, sizeHint: 8, rest: parts) { $0.writeString("[") }
        let whole = Body(.text, sizeHint: 8) { $0.writeString("[" + text(count) + "]}") }
        #expect(body == whole && body.joined.rest.isEmpty && body.count == count + 3)
        var frame = webSocket.head(of: body)
        for part in parts { frame.writeImmutableBuffer(part) }
        #expect(frame == webSocket.seal(whole))
    }

    @Test("a body that others hold is sealed without a change to theirs")
    func shared() {
        let body = Body(.binary, sizeHint: 8) { $0.writeString("abc") }
        let (one, other) = (webSocket.seal(body), webSocket.seal(body))
        #expect(one == WebSocketFrame.encode(.binary, payload: ByteBuffer(string: "abc")) && one == other)
        #expect(String(buffer: body.bytes) == "abc" && body.kind == .binary)
    }

    @Test(
        "a payload whose header stands before it goes on without a copy",
        arguments: [0, 1, 125, 126, 65_535, 65_536, 100_000])
    func inPlace(count: Int) {
        for kind in [Payload.Kind.text, .binary] {
            let payload = text(count).utf8.withContiguousStorageIfAvailable {
                Payload(kind: kind, copying: UnsafeRawBufferPointer($0))
            }
            guard let payload else {
                Issue.record("no payload")
                return
            }
            let frame = webSocket.seal(Body(payload))
            #expect(address(frame) == address(payload.bytes))
            #expect(frame == WebSocketFrame.encode(kind == .text ? .text : .binary, payload: payload.bytes))
            // As another kind it has another header.
            let turned = Payload(kind: kind == .text ? .binary : .text, bytes: payload.bytes)
            let copy = webSocket.seal(Body(turned))
            #expect(address(copy) != address(payload.bytes))
            #expect(copy == WebSocketFrame.encode(kind == .text ? .binary : .text, payload: payload.bytes))
        }
    }

    @Test("whatever stands before a payload, its frame is right", arguments: 0..<20)
    func anything(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        for _ in 0..<200 {
            let count = [0, 3, 125, 126, 127, 300, 65_535, 65_536].randomElement(using: &random) ?? 0
            var bytes = ByteBuffer(
                bytes: (0..<12).map { _ in [0x81, 0x82, 0x7E, 0x7F, 0, 3].randomElement(using: &random)! })
            // Often a header, mostly of another length or kind.
            let other = Int.random(in: 0..<3, using: &random) == 0 ? count : 126
            WebSocketFrame.writeHeader(.binary, payloadLength: other, into: &bytes)
            let header = bytes.readableBytes
            bytes.writeRepeatingByte(7, count: count)
            bytes.moveReaderIndex(forwardBy: header)
            let payload = Payload(kind: .binary, bytes: bytes)
            #expect(webSocket.seal(Body(payload)) == WebSocketFrame.encode(.binary, payload: bytes))
        }
    }

    @Test("a format is a codec in a framing, each of which knows nothing of the other")
    func any() throws {
        struct Shout: Codec {
            func body(_ publication: Publication) -> Body {
                Body(.text, sizeHint: 0) { $0.writeString(String(buffer: publication.payload.bytes).uppercased()) }
            }
        }
        struct Lines: Framing {
            func seal(_ body: consuming Body, at position: StreamPosition?) -> ByteBuffer {
                ByteBuffer(string: "\(position?.offset ?? 0) \(String(buffer: body.bytes))\n")
            }
        }
        let table = FormatTable()
        let position = StreamPosition(offset: 7, epoch: "e")
        let publication = Publication(
            channel: try ChannelName("c"), payload: Payload(text: "hi"), position: position)
        let expected: [(FormatDefinition, String)] = [
            (.encoded(Shout(), in: Lines()), "7 HI\n"), (.encoded(RawCodec(), in: Lines()), "7 hi\n"),
            (.encoded(Shout(), in: webSocket), "\u{81}\u{2}HI"),
        ]
        let event = PresenceEvent(channel: publication.channel, kind: .join, info: ClientInfo(client: "1"))
        for (number, (definition, text)) in expected.enumerated() {
            let format = try #require(table.intern(ExactText("\(number)"), as: definition))
            let prepared = PreparedPublication(publication, formats: table, receivedAt: 0)
            #expect(Array(prepared.frame(format).readableBytesView) == text.unicodeScalars.map { UInt8($0.value) })
            #expect(PreparedPresenceEvent(event, formats: table).frame(format) == nil)
        }
    }
}
