import FanfareWire
import NIOCore

/// Replies that speak of positions in a channel's stream, and the publications in them.
extension CentrifugeProtobufEncoder {
    public static func subscribeReply(id: UInt32, _ result: CentrifugeSubscribeResult) -> Body {
        reply(id, .subscribe, about: size(result)) { write(result, into: &$0) }
    }

    /// The result of a subscription.
    static func write(_ result: CentrifugeSubscribeResult, into buffer: inout ByteBuffer) {
        typealias Field = CentrifugeFields.SubscribeResult
        buffer.writeProtobuf(Field.expires, result.ttl != nil)
        buffer.writeProtobuf(Field.ttl, result.ttl ?? 0)
        buffer.writeProtobuf(Field.recoverable, result.isRecoverable)
        buffer.writeProtobuf(Field.epoch, result.position?.epoch ?? "")
        if let items = result.items {
            buffer.writeImmutableBuffer(items)
        } else {
            for publication in result.publications { writeItem(publication, into: &buffer) }
        }
        buffer.writeProtobuf(Field.recovered, result.isRecovered)
        buffer.writeProtobuf(Field.offset, result.position?.offset ?? 0)
        buffer.writeProtobuf(Field.positioned, result.position != nil)
        buffer.writeProtobuf(Field.wasRecovering, result.wasRecovering)
        buffer.writeProtobuf(Field.delta, result.hasDeltas)
    }

    public static func historyReply(id: UInt32, publications: [Publication], position: StreamPosition) -> Body {
        typealias Field = CentrifugeFields.HistoryResult
        return reply(id, .history, about: size(publications) + 32) { buffer in
            for publication in publications {
                buffer.writeProtobuf(Field.publications, about: size(publication)) { write(publication, into: &$0) }
            }
            buffer.writeProtobuf(Field.epoch, position.epoch)
            buffer.writeProtobuf(Field.offset, position.offset)
        }
    }

    /// A publication, without its channel.
    ///
    /// - Parameter delta: what changed, instead of its data.
    static func write(_ publication: Publication, delta: ByteBuffer? = nil, into buffer: inout ByteBuffer) {
        typealias Field = CentrifugeFields.Publication
        let metadata = publication.metadata
        buffer.writeProtobuf(Field.data, delta ?? publication.payload.bytes)
        if let info = metadata?.info {
            buffer.writeProtobuf(Field.info, about: metadata?.size ?? 0) { write(info, into: &$0) }
        }
        buffer.writeProtobuf(Field.offset, publication.position?.offset ?? 0)
        for tag in metadata?.tags.all ?? [] {
            buffer.writeProtobuf(Field.tags, about: tag.name.utf8.count + tag.value.utf8.count + 4) { buffer in
                buffer.writeProtobuf(CentrifugeFields.Entry.key, tag.name.string)
                buffer.writeProtobuf(CentrifugeFields.Entry.value, tag.value.string)
            }
        }
        buffer.writeProtobuf(Field.delta, delta != nil)
    }

    /// Bytes of a publication without its channel, about.
    static func size(_ publication: Publication) -> Int {
        publication.payload.bytes.readableBytes + 17
            + (publication.metadata.map { $0.size + 8 * $0.tags.count + 32 } ?? 0)
    }

    private static func size(_ publications: [Publication]) -> Int { publications.reduce(0) { $0 + size($1) + 6 } }

    /// Bytes of the result of a subscription, about.
    static func size(_ result: CentrifugeSubscribeResult) -> Int {
        48 + (result.items?.readableBytes ?? size(result.publications))
    }
}

/// The list in the result of a subscription: each item is a field of it.
extension CentrifugeProtobufEncoder {
    public static let separator: StaticString = ""

    public static func writeItem(_ publication: Publication, into buffer: inout ByteBuffer) {
        buffer.writeProtobuf(CentrifugeFields.SubscribeResult.publications, about: size(publication)) {
            write(publication, into: &$0)
        }
    }
}
