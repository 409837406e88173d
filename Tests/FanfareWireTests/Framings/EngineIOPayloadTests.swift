import NIOCore
import Testing

@testable import FanfareWire

@Suite("Engine.IO: bodies of polls and POSTs")
struct EngineIOPayloadTests {
    private func packets(_ text: String) -> [EngineIOPacket]? {
        guard var payload = EngineIOPayload(ByteBuffer(string: text)) else { return nil }
        var packets: [EngineIOPacket] = []
        while let packet = payload.next() { packets.append(packet) }
        #expect(payload.isEmpty && payload.bytes == 0 && payload.next() == nil)
        return packets
    }

    private func message(_ text: String) -> EngineIOPacket { EngineIOPacket(.message, Payload(text: text)) }

    @Test("packets have 0x1E between them, a binary message is b and Base64 and has no 4")
    func walk() {
        #expect(packets("4hello") == [message("hello")])
        #expect(packets("4a\u{1E}2\u{1E}4é") == [message("a"), EngineIOPacket(.ping), message("é")])
        let binary = EngineIOPacket(.message, Payload(kind: .binary, bytes: ByteBuffer(bytes: [1, 2, 3, 4])))
        #expect(packets("4hello\u{1E}bAQIDBA==") == [message("hello"), binary])
        #expect(packets("b") == [EngineIOPacket(.message, Payload(kind: .binary, bytes: ByteBuffer()))])
        #expect(packets("1") == [EngineIOPacket(.close)])
    }

    @Test("one packet that is none makes the whole body none: nothing of it is taken")
    func invalid() {
        for bad in [
            "", "abc", "4a\u{1E}", "\u{1E}4a", "4a\u{1E}\u{1E}4b", "7", "bA", "bAQIDBA=", "bA===", "b!!!!",
            "4a\u{1E}bAQ=Q",
            "96:0{}", "x",
        ] {
            #expect(packets(bad) == nil, "\(bad)")
        }
        #expect(EngineIOPayload(ByteBuffer(bytes: [0x34, 0xFF])) == nil, "not UTF-8")
        #expect(
            EngineIOPayload(ByteBuffer(bytes: [0x34, 0xC3, 0x1E, 0x34, 0xA9])) == nil, "a character cut by a separator")
    }

    @Test("a body of 100,000 packets is one buffer, walked packet by packet")
    func many() {
        let body = Array(repeating: "4", count: 100_000).joined(separator: "\u{1E}")
        #expect(packets(body)?.count == 100_000)
    }

    @Test("frames become the body of an answer: text as it is, binary in Base64")
    func answer() {
        let framing = EngineIOFraming()
        var frames = framing.seal(Body(Payload(text: "hello")))
        frames.writeImmutableBuffer(EngineIOFraming.packet(.ping))
        frames.writeImmutableBuffer(framing.seal(Body(Payload(kind: .binary, bytes: ByteBuffer(bytes: [1, 2, 3, 4])))))
        frames.writeImmutableBuffer(framing.seal(Body(Payload(text: String(repeating: "é", count: 40_000)))))
        let body = EngineIOPayload.body(frames)
        #expect(String(buffer: body) == "4hello\u{1E}2\u{1E}bAQIDBA==\u{1E}4" + String(repeating: "é", count: 40_000))
        #expect(EngineIOPayload.body(ByteBuffer()).readableBytes == 0)
    }

    @Test("whole frames at the front are found at every cut")
    func whole() {
        let framing = EngineIOFraming()
        let first = framing.seal(Body(Payload(text: "abc")))
        let second = framing.seal(Body(Payload(text: String(repeating: "x", count: 200))))
        var both = first
        both.writeImmutableBuffer(second)
        for count in 0...both.readableBytes {
            let cut = both.getSlice(at: both.readerIndex, length: count) ?? ByteBuffer()
            let expected = count == both.readableBytes ? count : count >= first.readableBytes ? first.readableBytes : 0
            #expect(EngineIOPayload.whole(cut) == expected)
        }
    }
}
