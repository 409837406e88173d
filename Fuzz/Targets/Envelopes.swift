import FanfareWire
import NIOCore

@testable import FanfareRedis

extension FuzzTarget {
    /// What comes over Pub/Sub: names and messages. What is understood, written again, is the same.
    static let envelopes = FuzzTarget(name: "envelopes", maxBytes: 512) { input in
        var input = input
        name(input.piece())
        let bytes = input.rest
        guard let envelope = Envelope.read(bytes) else { return }
        var again = ByteBuffer()
        switch envelope {
        case .publication(let payload, let acceptedAt):
            check(payload)
            if !bytes.prefix(3).elementsEqual([0x00, 0x46, 0x46]) {
                expect(payload.bytes == bytes.buffer && acceptedAt == 0, "plain bytes are another payload")
                return
            }
            Envelope.writeHeader(publication(payload, acceptedAt), into: &again)
            again.writeImmutableBuffer(payload.bytes)
        case .numbered(let payload, let acceptedAt, let number):
            check(payload)
            Envelope.writeHeader(publication(payload, acceptedAt), number, into: &again)
            again.writeImmutableBuffer(payload.bytes)
        case .positioned(let payload, let acceptedAt, let place):
            check(payload)
            expect(StreamPosition.isEpoch(place.epoch), "epoch '\(place.epoch)'")
            Envelope.writeStreamHeader(publication(payload, acceptedAt), into: &again)
            again.writeInteger(place.offset)
            again.writeInteger(UInt8(place.epoch.utf8.count))
            again.writeString(place.epoch)
            again.writeImmutableBuffer(payload.bytes)
        case .presence(let kind, let info):
            // JSON may be written in many ways: what counts is that it says the same.
            let line = info.json
            var whole = Envelope.header(kind, at: 0)
            whole.writeImmutableBuffer(line)
            guard case .presence(kind, let second)? = whole.withUnsafeReadableBytes({ Envelope.read($0) }) else {
                fatalError("written again it is nothing: \(String(buffer: line))")
            }
            expect(second.client == info.client && second.user == info.user, "another client")
            expect(!line.readableBytesView.contains(0x0A), "more than one line")
            expect(String(validating: line.readableBytesView, as: UTF8.self) != nil, "info is not UTF-8")
            expect(second.connInfo == info.connInfo && second.chanInfo == info.chanInfo, "another info")
            return
        case .probe(let number):
            expect(
                Envelope.probeBytes(number).readableBytesView.dropFirst(6).elementsEqual(bytes.prefix(15).dropFirst(6)),
                "probe")
            return
        }
        expect(again == bytes.buffer, "written again it is \(again)")
    }

    private static let channel = try! ChannelName("c")
    /// One for all inputs, as for all messages. Unsafe only in name: libFuzzer has one thread.
    nonisolated(unsafe) private static var cache = ChannelNameCache()

    private static func publication(_ payload: Payload, _ acceptedAt: UInt64) -> Publication {
        Publication(channel: channel, payload: payload, publishedAt: acceptedAt)
    }

    private static func check(_ payload: Payload) {
        guard payload.kind == .text else { return }
        expect(String(validating: payload.bytes.readableBytesView, as: UTF8.self) != nil, "text is not UTF-8")
    }

    private static func name(_ bytes: UnsafeRawBufferPointer) {
        _ = PubSubKind.event(bytes)
        let (prefix, suffix) = (Array("f:{".utf8), Array("}".utf8))
        let first = cache.name(bytes, prefix: prefix, suffix: suffix)
        expect(cache.name(bytes, prefix: prefix, suffix: suffix) == first, "a name changed")
        let slot = HashSlot.slot(of: bytes)
        expect((0..<HashSlot.count).contains(slot), "slot \(slot)")
        if let first {
            expect(bytes.elementsEqual(prefix + Array(first.string.utf8) + suffix), "another name: \(first)")
            expect(HashSlot.slot(of: first.string.utf8) == slot, "a channel and its key are apart")
        }
    }
}
