import NIOCore
import Testing

@testable import FanfareWire

@Suite("Engine.IO: messages in WebSocket frames")
struct EngineIOFramingTests {
    private let framing = EngineIOFraming()

    private func text(_ count: Int) -> String { String(repeating: "x", count: count) }

    private func frame(_ text: String) -> ByteBuffer {
        WebSocketFrame.encode(.text, payload: ByteBuffer(string: text))
    }

    @Test(
        "text stands behind the 4, in every length of header, written or a payload",
        arguments: [0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 100_000])
    func texts(count: Int) {
        let expected = frame("4" + text(count))
        #expect(framing.seal(Body(.text, sizeHint: 8) { $0.writeString(text(count)) }) == expected)
        #expect(framing.seal(Body(Payload(text: text(count)))) == expected)
    }

    @Test("a written body is sealed where it is, and one that others hold without a change to theirs")
    func places() {
        var place: UnsafeRawPointer?
        let own = framing.seal(
            Body(.text, sizeHint: 8) { buffer in
                buffer.writeString("abc")
                place = buffer.withVeryUnsafeBytes { UnsafeRawPointer($0.baseAddress) }
            })
        #expect(place != nil && own.withVeryUnsafeBytes { UnsafeRawPointer($0.baseAddress) } == place)
        let body = Body(.text, sizeHint: 8) { $0.writeString("abc") }
        let (one, other) = (framing.seal(body), framing.seal(body))
        #expect(one == frame("4abc") && one == other && String(buffer: body.bytes) == "abc")
    }

    @Test("binary is its bytes, without a type", arguments: [0, 1, 125, 126, 65_535, 65_536])
    func binary(count: Int) {
        let bytes = ByteBuffer(repeating: 7, count: count)
        let expected = WebSocketFrame.encode(.binary, payload: bytes)
        #expect(framing.seal(Body(Payload(kind: .binary, bytes: bytes))) == expected)
        #expect(framing.seal(Body(.binary, sizeHint: 8) { $0.writeImmutableBuffer(bytes) }) == expected)
        let shared = bytes.withUnsafeReadableBytes { Payload(kind: .binary, copying: $0) }
        #expect(framing.seal(Body(shared)) == expected)
    }

    @Test("attachments follow their message at once, each in a frame of its own")
    func attachments() {
        let attachments = [ByteBuffer(bytes: [1, 2]), ByteBuffer(), ByteBuffer(repeating: 3, count: 300)]
        var expected = frame("452-[]")
        for attachment in attachments { WebSocketFrame.encode(.binary, into: &expected, payload: attachment) }
        let body = Body(.text, sizeHint: 8, attachments: attachments) { $0.writeString("52-[]") }
        #expect(framing.seal(body) == expected)
        #expect(String(buffer: body.bytes) == "52-[]", "a second seal gives the same")
        #expect(framing.seal(body) == expected)
        #expect(body != Body(.text, sizeHint: 8) { $0.writeString("52-[]") })
    }

    @Test("packets of the server's own are text")
    func packets() {
        #expect(EngineIOFraming.packet(.ping) == frame("2"))
        #expect(EngineIOFraming.packet(.pong, ByteBuffer(string: "probe")) == frame("3probe"))
        let data = ByteBuffer(string: text(200))
        #expect(EngineIOFraming.packet(.open, data) == frame("0" + text(200)))
    }

    @Test("a message on a WebSocket is a packet by its first character, binary is a message")
    func parse() {
        #expect(EngineIOPacket(Payload(text: "4")) == EngineIOPacket(.message))
        #expect(EngineIOPacket(Payload(text: "4é")) == EngineIOPacket(.message, Payload(text: "é")))
        #expect(EngineIOPacket(Payload(text: "2probe"))?.isProbe == true)
        for other in ["2", "2prob", "2probes", "2Probe"] {
            #expect(EngineIOPacket(Payload(text: other))?.isProbe == false)
        }
        let binary = Payload(kind: .binary, bytes: ByteBuffer(bytes: [0x34, 0]))
        #expect(EngineIOPacket(binary) == EngineIOPacket(.message, binary))
        for bad in ["", "7", "/", "b", "bAQ==", "abc", "é", " 4", "\u{1E}"] {
            #expect(EngineIOPacket(Payload(text: bad)) == nil)
        }
    }

    @Test("the open packet has the keys that clients and the suite expect, and no others")
    func handshake() {
        var handshake = EngineIOHandshake(
            sid: "a\"b", mayUpgrade: true, pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000)
        #expect(
            String(buffer: handshake.data)
                == #"{"sid":"a\"b","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
        )
        handshake.mayUpgrade = false
        #expect(String(buffer: handshake.data).contains(#""upgrades":[],"#))
    }

    @Test("errors are the reference's: numbers 0 to 5 with their words, 403 for 4 and 400 for all else")
    func errors() {
        #expect(EngineIOError.allCases.map(\.rawValue) == Array(0...5))
        #expect(String(buffer: EngineIOError.unknownSession.json) == #"{"code":1,"message":"Session ID unknown"}"#)
        #expect(EngineIOError.allCases.map(\.status) == [400, 400, 400, 400, 403, 400])
    }
}
