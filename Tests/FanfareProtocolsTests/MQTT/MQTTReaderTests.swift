import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

/// Sections are those of MQTT 5.0, where 3.1.1 says the same.
@Suite("MQTT packets in a stream of bytes")
struct MQTTReaderTests {
    private typealias Bytes = MQTTBytes

    @Test(
        "packets are the same however their bytes are cut, from one byte a message to many packets in one (§6)",
        arguments: MQTTVersion.allCases)
    func cuts(version: MQTTVersion) {
        let none: [UInt8]? = version == .v5 ? [] : nil
        let bytes =
            Bytes.connect(version) + Bytes.publish("a", "one", properties: none)
            + Bytes.subscribe([("b", 0), ("c", 1)], properties: none) + [0xC0, 0]
            + Bytes.publish("a", flags: 2, id: 7, properties: none)
            + Bytes.publish("long", String(repeating: "x", count: 300), properties: none) + [0xE0, 0]
        let whole = Bytes.read(bytes, connected: nil)
        #expect(whole.packets.count == 7 && whole.error == nil)
        for size in 1...40 { #expect(Bytes.read(bytes, connected: nil, size: size) == whole) }
    }

    @Test("a length has at most four bytes, and a packet at most the limit: refused before its bytes come (§2.1.4)")
    func lengths() {
        for count in [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455] {
            let bytes = Bytes.length(count)
            #expect(MQTTVariable.size(count) == bytes.count)
            #expect(try! MQTTVariable.read(bytes, mayBeLong: false) == .value(count, count: bytes.count))
            for part in 0..<bytes.count {
                #expect(try! MQTTVariable.read(bytes.prefix(part), mayBeLong: false) == .more)
            }
            var buffer = ByteBuffer()
            MQTTVariable.write(count, into: &buffer)
            #expect(Array(buffer: buffer) == bytes)
        }
        #expect(Bytes.reason([0x30, 0x80, 0x80, 0x80, 0x80]) == .malformedPacket)
        #expect(Bytes.reason([0x30, 0xFF, 0xFF, 0xFF, 0x7F]) == .packetTooLarge)
        let fits = Bytes.publish("a", String(repeating: "x", count: 60))
        #expect(Bytes.read(fits, limit: fits.count).packets.count == 1)
        #expect(Bytes.read(Array(fits.prefix(3)), limit: fits.count - 1).error?.reason == .packetTooLarge)
    }

    @Test(
        "a length in more bytes than it needs is refused in version 5, and taken in 3.1.1, which does not forbid it (§1.5.5)"
    )
    func longLengths() {
        #expect(Bytes.reason([0xC0, 0x80, 0x00]) == .malformedPacket)
        #expect(Bytes.read([0xC0, 0x80, 0x00], connected: .v311).packets == [.pingreq])
        // A length of properties, too.
        #expect(Bytes.reason(Bytes.packet(0x30, Bytes.text("a") + [0x80, 0x00])) == .malformedPacket)
    }

    @Test("nothing comes before CONNECT, and none after it: the first byte says so (§3.1)")
    func order() {
        for first: UInt8 in [0x30, 0x40, 0x82, 0xC0, 0xE0, 0xF0] {
            #expect(Bytes.reason([first], connected: nil) == .protocolError)
        }
        #expect(Bytes.reason([0x10]) == .protocolError)
        #expect(Bytes.reason(Array("GET / HTTP/1.1".utf8), connected: nil) == .malformedPacket)
    }

    @Test("after a mistake nothing is read, and nothing is kept")
    func failure() throws {
        var reader = MQTTReader(maxPacketBytes: 1_000)
        reader.feed(ByteBuffer(bytes: [0xC0, 0]))
        #expect(throws: MQTTError.self) { try reader.next() }
        reader.feed(ByteBuffer(bytes: Bytes.connect()))
        #expect(reader.waitingBytes == 0 && !reader.hasNew && !reader.isWithinPacket)
        #expect(throws: MQTTError.self) { try reader.next() }
    }

    @Test("a packet that has begun is one, also before its length; a whole one that waits is not")
    func within() throws {
        var reader = MQTTReader(maxPacketBytes: 1_000)
        #expect(!reader.isWithinPacket)
        reader.feed(ByteBuffer(bytes: [0x10]))
        #expect(try reader.next() == nil)
        #expect(reader.isWithinPacket && !reader.hasNew)
        reader.feed(ByteBuffer(bytes: Array(Bytes.connect().dropFirst()) + [0xC0, 0]))
        #expect(try reader.next() != nil)
        #expect(reader.hasNew && !reader.isWithinPacket)
        #expect(try reader.next() == .pingreq)
        #expect(try reader.next() == nil)
        #expect(!reader.isWithinPacket && reader.waitingBytes == 0)
    }
}
