import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

@Suite("Envelopes")
struct EnvelopeTests {
    private func read(_ bytes: [UInt8]) -> Envelope? { bytes.withUnsafeBytes { Envelope.read($0) } }

    @Test(
        "what a node publishes is read as it was",
        arguments: [
            Payload(text: "hé"), Payload(text: ""),
            Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 0x46, 0x46, 1, 255])),
        ])
    func roundTrip(payload: Payload) throws {
        var buffer = ByteBuffer()
        Envelope.writeHeader(
            Publication(channel: try ChannelName("c"), payload: payload, publishedAt: 1_234_567), into: &buffer)
        #expect(buffer.readableBytes == Envelope.headerBytes)
        buffer.writeImmutableBuffer(payload.bytes)
        #expect(read(Array(buffer.readableBytesView)) == .publication(payload, acceptedAt: 1_234_567))
        #expect(read(Array(Envelope.probeBytes(9).readableBytesView)) == .probe(9))
    }

    @Test("a backend's plain bytes are the payload")
    func plain() {
        #expect(read(Array("hi".utf8)) == .publication(Payload(text: "hi"), acceptedAt: 0))
        #expect(read([]) == .publication(Payload(text: ""), acceptedAt: 0))
        #expect(read([0xFF]) == .publication(Payload(kind: .binary, bytes: ByteBuffer(bytes: [0xFF])), acceptedAt: 0))
    }

    @Test("joins and leaves are read as they were, and dropped when nobody wrote them so")
    func presence() {
        let info = ClientInfo(client: "1", user: "ann", connInfo: ByteBuffer(string: "[1]"))
        for kind in [PresenceEvent.Kind.join, .leave] {
            let header = Array(Envelope.header(kind, at: 7).readableBytesView)
            #expect(header.count == Envelope.headerBytes)
            #expect(read(header + Array(info.json.readableBytesView)) == .presence(kind, info))
            #expect(read(header + Array("{}".utf8)) == nil)
            #expect(read(header) == nil)
        }
    }

    @Test("a join whose text is not UTF-8 is dropped: browsers close with 1007 over it")
    func presenceText() {
        for kind in [PresenceEvent.Kind.join, .leave] {
            let header = Array(Envelope.header(kind, at: 7).readableBytesView)
            for info in [
                #"{"client":"1","conn_info":"?"}"#, #"{"client":"1","user":"?"}"#, #"{"client":"1","other":"?"}"#,
            ] {
                let bytes = header + info.utf8.map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }
                #expect(read(bytes) == nil)
            }
        }
    }

    @Test("an envelope that is not ours to read is dropped")
    func hostile() {
        let head: [UInt8] = [0x00, 0x46, 0x46, 0x01]
        let number: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
        #expect(read(head) == nil)
        #expect(read([0x00, 0x46, 0x46, 0x02, 1, 0, 0] + number) == nil, "another version")
        #expect(read(head + [9, 0, 0] + number) == nil, "unknown kind")
        #expect(read(head + [1, 7, 0] + number) == nil, "unknown payload kind")
        #expect(read(head + [1, 0, 0] + number + [0xFF]) == nil, "text that is not UTF-8")
    }
}
