import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("WebSocket reader")
struct WebSocketReaderTests {
    private func events(_ frames: [ByteBuffer], limit: Int = 65_536) -> [WebSocketReader.Event] {
        var reader = WebSocketReader(maxMessageBytes: limit, maxFragments: 1_024)
        var events: [WebSocketReader.Event] = []
        for frame in frames {
            reader.feed(frame)
            while let event = reader.next() { events.append(event) }
        }
        return events
    }

    private func failure(_ frames: ByteBuffer..., limit: Int = 65_536) -> Disconnect? {
        guard case .failure(let disconnect, _)? = events(frames, limit: limit).last else { return nil }
        return disconnect
    }

    @Test("the RFC's masked Hello is read")
    func hello() {
        let bytes: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(events([ByteBuffer(bytes: bytes)]) == [.message(Payload(text: "Hello"))])
    }

    @Test("messages come out as they went in, whatever the fragments and however the bytes arrive", arguments: 0..<200)
    func roundTrip(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var bytes = ByteBuffer()
        var expected: [WebSocketReader.Event] = []
        for _ in 0..<20 {
            let payload = ClientFrames.payload(&random)
            let isText = Bool.random(using: &random)
            let cuts = Int.random(in: 1...4, using: &random)
            var rest = payload[...]
            for piece in 1...cuts {
                let length = piece == cuts ? rest.count : Int.random(in: 0...rest.count, using: &random)
                bytes.writeImmutableBuffer(
                    ClientFrames.frame(
                        piece == 1 ? (isText ? 1 : 2) : 0, Array(rest.prefix(length)), final: piece == cuts,
                        &random))
                rest = rest.dropFirst(length)
                if piece < cuts, Int.random(in: 0..<3, using: &random) == 0 {
                    bytes.writeImmutableBuffer(ClientFrames.frame(9, [1, 2], final: true, &random))
                    expected.append(.ping(ByteBuffer(bytes: [1, 2])))
                }
            }
            expected.append(.message(Payload(kind: isText ? .text : .binary, bytes: ByteBuffer(bytes: payload))))
        }
        var pieces: [ByteBuffer] = []
        while bytes.readableBytes > 0 {
            let length = min(bytes.readableBytes, Int.random(in: 1...200, using: &random))
            if let piece = bytes.readSlice(length: length) { pieces.append(ByteBuffer(bytes: piece.readableBytesView)) }
        }
        #expect(events(pieces) == expected)
    }

    @Test("any bytes are read without a trap, and after a failure nothing comes", arguments: 0..<300)
    func garbage(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var reader = WebSocketReader(maxMessageBytes: 1_000, maxFragments: 1_024)
        var hasFailed = false
        for _ in 0..<50 {
            reader.feed(
                ByteBuffer(
                    bytes: (0..<Int.random(in: 0...40, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }))
            while let event = reader.next() {
                #expect(!hasFailed)
                if case .failure = event { hasFailed = true }
                if case .close = event { hasFailed = true }
            }
            #expect(reader.bufferedBytes <= 4_000)
        }
    }

    @Test("what RFC 6455 forbids is a protocol error")
    func forbidden() {
        var random = SeededRandom(seed: 1)
        let hi = Array("hi".utf8)
        #expect(failure(ByteBuffer(bytes: [0x81, 0x02, 0x68, 0x69])) == .protocolError, "unmasked")
        #expect(failure(ByteBuffer(bytes: [0xC1, 0x80])) == .protocolError, "reserved bit")
        #expect(failure(ByteBuffer(bytes: [0x83, 0x80])) == .protocolError, "reserved opcode")
        #expect(failure(ByteBuffer(bytes: [0x09, 0x80])) == .protocolError, "fragmented ping")
        #expect(failure(ByteBuffer(bytes: [0x89, 0xFE])) == .protocolError, "long ping")
        #expect(failure(ByteBuffer(bytes: [0x82, 0xFE, 0, 5, 1, 2, 3, 4])) == .protocolError, "length not shortest")
        #expect(
            failure(ByteBuffer(bytes: [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])) == .protocolError,
            "negative length")
        #expect(failure(ClientFrames.frame(0, hi, final: true, &random)) == .protocolError, "continuation of nothing")
        #expect(
            failure(ClientFrames.frame(1, hi, final: false, &random), ClientFrames.frame(1, hi, final: true, &random))
                == .protocolError, "message in a message")
    }

    @Test("close frames are checked: code, reason, length")
    func close() {
        var random = SeededRandom(seed: 1)
        func close(_ body: [UInt8]) -> WebSocketReader.Event? {
            events([ClientFrames.frame(8, body, final: true, &random)]).last
        }
        #expect(close([]) == .close(code: nil, reason: ""))
        #expect(close([0x03, 0xE8] + Array("bye".utf8)) == .close(code: 1000, reason: "bye"))
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] as [UInt16] {
            guard case .failure(.protocolError, _)? = close([UInt8(code >> 8), UInt8(code & 255)]) else {
                Issue.record("\(code) was taken")
                continue
            }
        }
        guard case .failure(.protocolError, _)? = close([3]) else {
            Issue.record("one byte was taken")
            return
        }
        guard case .failure(.invalidPayload, _)? = close([0x03, 0xE8, 0xFF]) else {
            Issue.record("a reason that is not UTF-8 was taken")
            return
        }
    }

    @Test("a message above the limit is refused by its header, before its body, also in fragments")
    func tooBig() {
        var random = SeededRandom(seed: 1)
        #expect(failure(ByteBuffer(bytes: [0x82, 0xFE, 0x01, 0x00, 1, 2, 3, 4]), limit: 255) == .messageTooBig)
        #expect(
            failure(
                ClientFrames.frame(2, Array(repeating: 1, count: 200), final: false, &random),
                ByteBuffer(bytes: [0x80, 0x80 | 56, 1, 2, 3, 4]), limit: 255) == .messageTooBig)
        #expect(
            failure(ByteBuffer(bytes: [0x82, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]))
                == .messageTooBig)
        #expect(
            failure(ClientFrames.frame(2, Array(repeating: 1, count: 255), final: true, &random), limit: 255) == nil)
    }

    @Test("text that can't become UTF-8 is refused before it is complete")
    func badText() {
        var random = SeededRandom(seed: 1)
        #expect(failure(ClientFrames.frame(1, [0xCE, 0xBA, 0xFF], final: false, &random)) == .invalidPayload)
        #expect(failure(ClientFrames.frame(1, [0xCE], final: true, &random)) == .invalidPayload)
        #expect(
            events([
                ClientFrames.frame(1, [0xCE], final: false, &random),
                ClientFrames.frame(0, [0xBA], final: true, &random),
            ]) == [.message(Payload(text: "κ"))])
        var partial = ClientFrames.frame(1, [0xFF, 0x41, 0x41, 0x41], final: true, &random)
        #expect(failure(partial.readSlice(length: 7) ?? ByteBuffer()) == .invalidPayload)
    }

    @Test("an endless row of empty fragments is refused and costs no memory")
    func emptyFragments() {
        var random = SeededRandom(seed: 1)
        var reader = WebSocketReader(maxMessageBytes: 100, maxFragments: 1_024)
        var isSilent = true
        reader.feed(ClientFrames.frame(2, [], final: false, &random))
        for _ in 1..<1_024 {
            reader.feed(ClientFrames.frame(0, [], final: false, &random))
            isSilent = isSilent && reader.next() == nil
        }
        #expect(isSilent && reader.heldBytes == 0)
        reader.feed(ClientFrames.frame(0, [], final: false, &random))
        guard case .failure(.policyViolation, _)? = reader.next() else {
            Issue.record("was taken")
            return
        }
    }

    @Test("it tells whether a message or a frame has begun, wherever the bytes are cut")
    func unfinished() {
        var random = SeededRandom(seed: 1)
        var reader = WebSocketReader(maxMessageBytes: 100, maxFragments: 10)
        var bytes = ClientFrames.frame(1, [65, 66], final: false, &random)
        let first = bytes.readableBytes
        bytes.writeImmutableBuffer(ClientFrames.frame(9, [1], final: true, &random))
        bytes.writeImmutableBuffer(ClientFrames.frame(0, [67], final: true, &random))
        bytes.writeImmutableBuffer(ClientFrames.frame(9, [1], final: true, &random))
        #expect(!reader.isUnfinished && !reader.isWithinMessage)
        var messages = 0
        for index in 1...bytes.readableBytes {
            if let byte = bytes.readSlice(length: 1) { reader.feed(byte) }
            var isEvent = false
            while let event = reader.next() {
                isEvent = true
                if case .message = event { messages += 1 }
            }
            // Between its fragments, and within the last ping's frame, which is a message's end no more.
            #expect(reader.isUnfinished == !(isEvent && messages == 1))
            #expect(reader.isWithinMessage == (index >= 6 && messages == 0), "\(index) of \(first)")
        }
        #expect(!reader.isUnfinished)
    }

    @Test("what was consumed is let go, also when no read ever ends with a frame", arguments: [1, 5, 100, 2_000])
    func straddling(payload: Int) {
        var random = SeededRandom(seed: 1)
        let frame = ClientFrames.frame(2, Array(repeating: 7, count: payload), final: true, &random)
        var stream = frame
        for _ in 0..<63 { stream.writeImmutableBuffer(frame) }
        // Always one byte short of the end.
        var reader = WebSocketReader(maxMessageBytes: 65_536, maxFragments: 1_024)
        reader.feed(stream.getSlice(at: 0, length: stream.readableBytes - 1) ?? ByteBuffer())
        let last = stream.readerIndex + stream.readableBytes - 1
        var shifted = stream.getSlice(at: last, length: 1) ?? ByteBuffer()
        shifted.writeImmutableBuffer(stream.getSlice(at: 0, length: last) ?? ByteBuffer())
        for round in 0..<100 {
            var count = 0
            while reader.next() != nil { count += 1 }
            #expect(count == (round == 0 ? 63 : 64))
            #expect(reader.heldBytes <= 2 * payload + 64)
            reader.feed(shifted)
        }
    }

    @Test("many messages of one read cost their own bytes and not a copy of the read each")
    func manyInOneRead() {
        var random = SeededRandom(seed: 1)
        var read = ByteBuffer()
        for _ in 0..<9_000 {
            read.writeImmutableBuffer(ClientFrames.frame(2, [1], final: true, &random))
        }
        let asRead = read
        var reader = WebSocketReader(maxMessageBytes: 65_536, maxFragments: 1_024)
        reader.feed(read)
        var memory = 0
        while case .message(let payload)? = reader.next() { memory += payload.bytes.storageCapacity }
        #expect(memory <= 9_000 * 16)
        #expect(read == asRead, "what the socket gave belongs to the socket")
    }

    @Test("between messages nothing is held")
    func holdsNothing() {
        var random = SeededRandom(seed: 1)
        var reader = WebSocketReader(maxMessageBytes: 65_536, maxFragments: 1_024)
        reader.feed(ClientFrames.frame(2, Array(repeating: 1, count: 60_000), final: true, &random))
        #expect(reader.next() != nil)
        #expect(reader.next() == nil)
        #expect(reader.bufferedBytes == 0)
    }
}

/// Frames as a client sends them.
enum ClientFrames {
    static func payload(_ random: inout SeededRandom) -> [UInt8] {
        let length = [0, 1, 7, 125, 126, 1_000, 20_000].randomElement(using: &random) ?? 0
        let alphabet = Array("aé€😀z".unicodeScalars)
        var text = ""
        while text.utf8.count < length { text.unicodeScalars.append(alphabet.randomElement(using: &random) ?? "a") }
        return Array(text.utf8)
    }

    static func frame(_ opcode: UInt8, _ payload: [UInt8], final: Bool, _ random: inout SeededRandom) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger((final ? 0x80 : 0) | opcode)
        switch payload.count {
        case ..<126: buffer.writeInteger(0x80 | UInt8(payload.count))
        case ..<65_536:
            buffer.writeInteger(UInt8(0xFE))
            buffer.writeInteger(UInt16(payload.count))
        default:
            buffer.writeInteger(UInt8(0xFF))
            buffer.writeInteger(UInt64(payload.count))
        }
        let key = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
        buffer.writeBytes(key)
        buffer.writeBytes(payload.enumerated().map { $0.element ^ key[$0.offset % 4] })
        return buffer
    }
}
