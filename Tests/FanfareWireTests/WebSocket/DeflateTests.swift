import FanfareProtocols
import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("permessage-deflate: messages")
struct DeflateTests {
    /// The messages of RFC 7692 section 7.2.3, all of them "Hello".
    private static let hello: [[UInt8]] = [
        [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
        [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
    ]

    private static func agreement(clientContext: Bool) throws -> DeflateAgreement {
        let offers = try #require(ExtensionOffer.parse("permessage-deflate; client_max_window_bits"))
        return try #require(DeflateAgreement.negotiate(offers, DeflatePolicy(clientContext: clientContext)))
    }

    private func reader(limit: Int = 65_536, context: Bool = false) throws -> WebSocketReader {
        WebSocketReader(
            maxMessageBytes: limit, maxFragments: 1_024, deflate: try Self.agreement(clientContext: context))
    }

    private func frame(
        _ payload: some Sequence<UInt8>, opcode: UInt8 = 1, final: Bool = true, compressed: Bool = true
    ) -> ByteBuffer {
        var random = SeededRandom(seed: 7)
        var frame = ClientFrames.frame(opcode, Array(payload), final: final, &random)
        if compressed, let first = frame.getInteger(at: 0, as: UInt8.self) { frame.setInteger(first | 0x40, at: 0) }
        return frame
    }

    private func read(_ reader: inout WebSocketReader, _ frames: ByteBuffer...) -> [WebSocketReader.Event] {
        var events: [WebSocketReader.Event] = []
        for frame in frames {
            reader.feed(frame)
            while let event = reader.next() { events.append(event) }
        }
        return events
    }

    /// What a compressor of the node makes of a message, without its header.
    private func compressed(_ payload: [UInt8], windowBits: Int = 12) throws -> [UInt8] {
        let plain = WebSocketFrame.encode(.binary, payload: ByteBuffer(bytes: payload))
        let frame = WebSocketFrame.deflated(plain, threshold: 0, windowBits: windowBits)
        let header = try #require(frame.withUnsafeReadableBytes { WebSocketFrame.plainHeader($0) })
        #expect(frame.getInteger(at: frame.readerIndex, as: UInt8.self) == 0xC2)
        return Array(frame.readableBytesView.dropFirst(header.length))
    }

    @Test("the RFC's examples are read, with and without context, in any fragments", arguments: hello)
    func examples(payload: [UInt8]) throws {
        for context in [false, true] {
            for cut in 0...payload.count {
                var reader = try reader(context: context)
                let events = read(
                    &reader, frame(payload.prefix(cut), final: false), frame([1, 2], opcode: 9, compressed: false),
                    frame(payload.dropFirst(cut), opcode: 0, compressed: false))
                #expect(events == [.ping(ByteBuffer(bytes: [1, 2])), .message(Payload(text: "Hello"))])
                #expect(reader.compressedBytes == payload.count)
            }
        }
    }

    @Test("a message that refers to an earlier one is read with context and refused without, also after a last block")
    func context() throws {
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
        for first in Self.hello {
            var keeping = try reader(context: true)
            #expect(
                read(&keeping, frame(first), frame([65], compressed: false), frame(second))
                    == [
                        .message(Payload(text: "Hello")), .message(Payload(text: "A")),
                        .message(Payload(text: "Hello")),
                    ])
            var forgetting = try reader()
            let events = read(&forgetting, frame(first), frame(second))
            guard case .failure(.invalidPayload, _)? = events.last else {
                Issue.record("\(events)")
                return
            }
        }
    }

    @Test("compressed and plain messages may alternate, empty ones too")
    func alternating() throws {
        for context in [false, true] {
            var reader = try reader(context: context)
            #expect(
                read(
                    &reader, frame([0x00]), frame([], compressed: false), frame([]), frame(Self.hello[0], opcode: 2),
                    frame([]), frame(Self.hello[0]))
                    == [
                        .message(Payload(text: "")), .message(Payload(text: "")), .message(Payload(text: "")),
                        .message(Payload(kind: .binary, bytes: ByteBuffer(string: "Hello"))),
                        .message(Payload(text: "")), .message(Payload(text: "Hello")),
                    ])
        }
    }

    @Test("RSV1 is refused without an agreement and anywhere but on the first frame of a message; RSV2 and RSV3 always")
    func reservedBits() throws {
        var plain = WebSocketReader(maxMessageBytes: 100, maxFragments: 10)
        var rows = [read(&plain, frame(Self.hello[0]))]
        for opcode in [8, 9, 10] as [UInt8] {
            var reader = try reader()
            rows.append(read(&reader, frame([], opcode: opcode)))
        }
        var continued = try reader()
        rows.append(read(&continued, frame(Self.hello[0], final: false), frame([], opcode: 0)))
        for bit in [0x20, 0x10, 0x60] as [UInt8] {
            var reader = try reader()
            rows.append(read(&reader, ByteBuffer(bytes: [0x81 | bit, 0x80, 0, 0, 0, 0])))
        }
        for row in rows {
            guard case .failure(.protocolError, _)? = row.last, row.count == 1 else {
                Issue.record("\(row)")
                continue
            }
        }
    }

    @Test("a bomb is cut at the limit, and memory stays at it", arguments: [1_000, 65_536])
    func bomb(limit: Int) throws {
        let bomb = try compressed([UInt8](repeating: 0, count: 12_000_000))
        #expect(bomb.count < 70_000)
        for context in [false, true] {
            var reader = try reader(limit: limit, context: context)
            let events = read(&reader, frame(bomb.prefix(limit)))
            guard case .failure(.messageTooBig, _)? = events.last else {
                Issue.record("\(events)")
                return
            }
            #expect(reader.heldBytes == 0)
            var room = ByteBuffer(bytes: bomb)
            let outcome = try #require(Inflater(windowBits: 15)).inflate(&room, limit: limit, headerRoom: 10)
            guard case .tooBig = outcome else {
                Issue.record("the bomb went off")
                return
            }
        }
    }

    @Test("a message at the limit is taken, one byte more is not")
    func limit() throws {
        for (count, isTaken) in [(999, true), (1_000, true), (1_001, false)] {
            var reader = try reader(limit: 1_000)
            let event = read(&reader, frame(try compressed([UInt8](repeating: 7, count: count)), opcode: 2)).last
            if case .message(let payload)? = event {
                #expect(isTaken && payload.bytes.readableBytes == count)
            } else {
                #expect(!isTaken)
            }
        }
    }

    @Test("a message is taken whatever its length is, also where it just fills the room made for it")
    func lengths() throws {
        for context in [false, true] {
            var reader = try reader(limit: 70_000, context: context)
            for count in Array(240...270) + Array(490...515) + [1_014, 2_038, 4_086, 8_182, 65_526] {
                let bytes = [UInt8](repeating: 7, count: count)
                let event = read(&reader, frame(try compressed(bytes), opcode: 2)).last
                #expect(event == .message(Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes))), "\(count) bytes")
            }
        }
    }

    @Test("what is no DEFLATE stream, or not a whole one, ends with 1007; so does text that is not UTF-8")
    func corrupt() throws {
        let notText = try compressed([0x41, 0xFF, 0x41])
        let halfCharacter = try compressed([0x41, 0xC3])
        for payload in [[0x07], [0xFF, 0xFF], [0xF2, 0x48, 0xCD], [0x01], notText, halfCharacter] as [[UInt8]] {
            for context in [false, true] {
                var reader = try reader(context: context)
                guard case .failure(.invalidPayload, _)? = read(&reader, frame(payload)).last else {
                    Issue.record("\(payload) was taken")
                    continue
                }
            }
        }
        var reader = try reader()
        #expect(read(&reader, frame(notText, opcode: 2)).count == 1, "binary may be anything")
    }

    @Test("any bytes are inflated without a trap", arguments: 0..<500)
    func garbage(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var reader = try reader(limit: 5_000, context: seed.isMultiple(of: 2))
        var bytes = try compressed((0..<300).map { _ in UInt8.random(in: 0...9, using: &random) })
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let events = read(&reader, frame(bytes, opcode: 2), frame(bytes, opcode: 2))
        #expect(!events.isEmpty && events.count <= 2)
    }

    @Test("what the node compresses every client can read, whatever it heard before", arguments: 0..<100)
    func roundTrip(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let bits = [9, 12, 15].randomElement(using: &random) ?? 12
        for _ in 0..<5 {
            let spread = UInt8([2, 20, 255].randomElement(using: &random) ?? 2)
            let count = [0, 1, 100, 5_000, 100_000].randomElement(using: &random) ?? 0
            let payload = (0..<count).map { _ in UInt8.random(in: 0...spread, using: &random) }
            var bytes = ByteBuffer(bytes: try compressed(payload, windowBits: bits))
            let inflater = try #require(Inflater(windowBits: bits))
            guard case .message(let message) = inflater.inflate(&bytes, limit: 100_000, headerRoom: 10) else {
                Issue.record("was not taken")
                return
            }
            #expect(Array(message.readableBytesView) == payload)
        }
    }

    @Test("a publication is compressed once, for all formats and subscribers; a small or stubborn one goes as it is")
    func once() throws {
        let channel = try ChannelName("c")
        let text = String(repeating: "all work and no play ", count: 50)
        let all = FormatTable(compressionThreshold: 256)
        let pairs: [(deflated: WireFormat, plain: WireFormat)] = [
            (.rawWebSocketDeflate, .rawWebSocket), (.centrifugeJSONWebSocketDeflate, .centrifugeJSONWebSocket),
        ]
        for pair in pairs { all.acquire(pair.deflated) }
        let big = PreparedPublication(
            Publication(channel: channel, payload: Payload(text: text)), formats: all, receivedAt: 0)
        #expect(big.takeDeflatedBytes() == .init(before: 0, after: 0), "nobody wants it compressed yet")
        for (format, plain) in pairs {
            let (first, second) = (big.frame(format), big.frame(format))
            let isShared = first.withUnsafeReadableBytes { one in
                second.withUnsafeReadableBytes { one.baseAddress == $0.baseAddress }
            }
            #expect(isShared && first.readableBytes < 200)
            #expect(first.getInteger(at: first.readerIndex, as: UInt8.self) == 0xC1)
            #expect(big.frame(plain).readableBytes > 1_000)
        }
        let bytes = try #require(big.takeDeflatedBytes())
        #expect(bytes.before > 2_000 && bytes.after < 400)
        #expect(big.takeDeflatedBytes() == .init(before: 0, after: 0), "counted once")
        var random = SeededRandom(seed: 1)
        let noise = ByteBuffer(bytes: (0..<1_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        for payload in [Payload(text: String(repeating: "x", count: 100)), Payload(kind: .binary, bytes: noise)] {
            let publication = Publication(channel: channel, payload: payload)
            let prepared = PreparedPublication(publication, formats: all, receivedAt: 0)
            #expect(prepared.frame(.rawWebSocketDeflate) == prepared.frame(.rawWebSocket))
            let late = PreparedPublication(publication, formats: FormatTable(), receivedAt: 0)
            #expect(late.takeDeflatedBytes() == nil)
            #expect(late.frame(.centrifugeJSONWebSocketDeflate) == late.frame(.centrifugeJSONWebSocket))
        }
    }
}
