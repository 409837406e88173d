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
    static func write(_ publication: Publication, into buffer: inout ByteBuffer) {
        typealias Field = CentrifugeFields.Publication
        buffer.writeProtobuf(Field.data, publication.payload.bytes)
        buffer.writeProtobuf(Field.offset, publication.position?.offset ?? 0)
    }

    /// Bytes of a publication without its channel, at most.
    static func size(_ publication: Publication) -> Int { publication.payload.bytes.readableBytes + 17 }

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
