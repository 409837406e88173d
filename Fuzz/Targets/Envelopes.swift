import FanfareWire
import NIOCore

@testable import FanfareRedis

extension FuzzTarget {
    /// What comes over Pub/Sub: names and messages. What is understood, written again, is the same.
    static let envelopes = FuzzTarget(name: "envelopes", maxBytes: 512) { input in
        var input = input
        name(input.piece())
        let bytes = input.rest
        fields(bytes)
        var skipped = 0
        let read = Envelope.read(bytes, skippedFields: &skipped)
        expect(Envelope.fieldBytes(bytes) <= bytes.count, "more bytes of fields than of the message")
        guard let envelope = read else { return }
        // A field takes six bytes at least.
        expect(skipped <= bytes.count / 6 + 1, "\(skipped) fields in \(bytes.count) bytes")
        guard bytes.prefix(3).elementsEqual([0x00, 0x46, 0x46]) else {
            guard case .publication(let payload, acceptedAt: 0, nil) = envelope else {
                fatalError("plain bytes are none")
            }
            check(payload)
            return expect(payload.bytes == bytes.buffer, "plain bytes are another payload")
        }
        guard let again = written(envelope) else { return }
        if bytes[6] == 0 {
            expect(skipped == 0, "fields where there are none")
            // A probe has no payload, and says so when it is written again.
            expect(again == bytes.buffer || again.readableBytes == 15, "written again it is \(again)")
        }
        // What was passed over is gone, and an info's JSON may be written in many ways: but only once.
        var skippedAgain = 0
        let second = again.withUnsafeReadableBytes { Envelope.read($0, skippedFields: &skippedAgain) }
        expect(
            skippedAgain == 0 && second.flatMap(written) == again, "written again it is \(String(describing: second))")
    }

    /// An envelope as a node writes it; `nil` for joins and leaves, whose JSON may be written in many ways.
    private static func written(_ envelope: Envelope) -> ByteBuffer? {
        var again = ByteBuffer()
        let published: Publication
        switch envelope {
        case .publication(let payload, let acceptedAt, let metadata):
            published = publication(payload, acceptedAt, metadata)
            Envelope.writeHeader(published, into: &again)
        case .numbered(let payload, let acceptedAt, let number, let metadata):
            published = publication(payload, acceptedAt, metadata)
            Envelope.writeHeader(published, number, into: &again)
        case .positioned(let payload, let acceptedAt, let place, let metadata):
            expect(StreamPosition.isEpoch(place.epoch), "epoch '\(place.epoch)'")
            published = publication(payload, acceptedAt, metadata)
            Envelope.writeStreamHeader(published, into: &again)
            again.writeInteger(place.offset)
            again.writeInteger(UInt8(place.epoch.utf8.count))
            again.writeString(place.epoch)
        case .presence(let kind, let info):
            presence(kind, info)
            return nil
        case .probe(let number): return Envelope.probeBytes(number)
        }
        check(published.payload)
        again.writeImmutableBuffer(Envelope.body(published))
        return again
    }

    /// JSON may be written in many ways: what counts is that it says the same.
    private static func presence(_ kind: PresenceEvent.Kind, _ info: ClientInfo) {
        let line = info.json
        var whole = Envelope.header(kind, at: 0)
        whole.writeImmutableBuffer(line)
        guard case .presence(kind, let second)? = whole.withUnsafeReadableBytes({ Envelope.read($0) }) else {
            fatalError("written again it is nothing: \(String(buffer: line))")
        }
        expect(second.client == info.client && second.user == info.user, "another client")
        expect(!line.readableBytesView.contains(0x0A), "more than one line")
        expect(String(validating: line.readableBytesView, as: UTF8.self) != nil, "info is not UTF-8")
        expect(oneLine(second.connInfo) == oneLine(info.connInfo), "another info")
        expect(oneLine(second.chanInfo) == oneLine(info.chanInfo), "another info")
    }

    /// Line breaks between the tokens of JSON may have become spaces.
    private static func oneLine(_ json: ByteBuffer?) -> [UInt8]? {
        json?.readableBytesView.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
    }

    /// The fields alone: every byte is in a field, before the fields, or behind them; tags keep their bounds.
    private static func fields(_ bytes: UnsafeRawBufferPointer) {
        guard let (fields, rest) = TypedFields.split(bytes) else { return }
        expect(4 + fields.count + rest.count == bytes.count, "bytes are missing between fields and payload")
        var inside = 0
        let skipped = TypedFields.read(fields) { _, value in
            inside += 6 + value.count
            return true
        }
        expect(skipped <= 1 && inside <= fields.count && (skipped == 1 || inside == fields.count), "fields lost")
        var left = 0
        guard let metadata = PublicationMetadata.read(fields: fields, skippedFields: &left) else { return }
        expect(metadata.tags.count <= PublicationTags.maximumCount, "\(metadata.tags.count) tags")
        expect(metadata.tags.size <= PublicationTags.maximumBytes, "\(metadata.tags.size) bytes of tags")
        expect(Set(metadata.tags.all.map(\.name)).count == metadata.tags.count, "a tag twice")
    }

    private static let channel = try! ChannelName("c")
    /// One for all inputs, as for all messages. Unsafe only in name: libFuzzer has one thread.
    nonisolated(unsafe) private static var cache = ChannelNameCache()

    private static func publication(
        _ payload: Payload, _ acceptedAt: UInt64, _ metadata: PublicationMetadata?
    ) -> Publication {
        Publication(channel: channel, payload: payload, publishedAt: acceptedAt, metadata: metadata)
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
