import FanfareWire
import NIOCore

/// What nodes publish in Redis and keep in streams: a header of 15 bytes, what its kind adds, fields if there are any, and the
/// payload. Everything that does not begin with the magic is a plain payload from a backend. Numbers are big endian.
///
/// | bytes | meaning |
/// |---|---|
/// | 4 | magic `00 46 46 01`; the zero can't begin a text that a person publishes; the last byte is the version |
/// | 1 | kind: 1 publication, 2 probe, 3 publication of a stream, 4 numbered publication, 5 join, 6 leave |
/// | 1 | payload: 0 text, 1 binary |
/// | 1 | 1: fields come before the payload; 0: none |
/// | 8 | when a node accepted it, microseconds since 1970; for a probe its number |
/// | | kind 3: 8 bytes offset, 1 byte length of the epoch, epoch |
/// | | kind 4: 4 bytes publisher, 4 bytes number, which counts the publisher's publications in this channel from 1 |
/// | | ``TypedFields``; those of kinds 1, 3 and 4 are in ``PublicationMetadata`` |
///
/// The payload of kinds 5 and 6 is a ``ClientInfo`` as JSON. Kind 1 is what a stream's entries hold: their place is their id.
///
/// **Growing.** What is new is a field, which a node that does not know it passes over. Nodes of before there were fields take
/// an envelope with fields for unreadable, so one without anything in them is written exactly as it always was. A kind, a
/// version or a bit of the seventh byte that a node does not know makes it drop the whole envelope, and count it.
enum Envelope: Equatable {
    /// A publication by a node, or by a backend with a plain PUBLISH (accepted at 0).
    case publication(Payload, acceptedAt: UInt64, PublicationMetadata? = nil)
    /// A publication of a channel with history.
    case positioned(Payload, acceptedAt: UInt64, StreamPosition, PublicationMetadata? = nil)
    /// A publication of a channel without history, by a node that counts.
    case numbered(Payload, acceptedAt: UInt64, PublisherNumber, PublicationMetadata? = nil)
    /// A client came into the channel, or is gone from it.
    case presence(PresenceEvent.Kind, ClientInfo)
    /// A node's question to itself, with its number.
    case probe(UInt64)

    static let headerBytes = 15
    /// The most that any kind has before its fields and its payload.
    static let maximumHeaderBytes = headerBytes + 9 + StreamPosition.maximumEpochBytes
    static let magic: UInt32 = 0x0046_4601
    static let magicPrefix: [UInt8] = [0x00, 0x46, 0x46]
    /// The seventh byte's bit for fields.
    static let hasFields: UInt8 = 1

    /// The header of a publication; its ``body(_:)`` follows.
    static func writeHeader(_ publication: Publication, into buffer: inout ByteBuffer) {
        write(kind: 1, publication, into: &buffer)
    }

    /// The header of a publication of a stream, up to where the script that knows its place writes the rest.
    static func writeStreamHeader(_ publication: Publication, into buffer: inout ByteBuffer) {
        write(kind: 3, publication, into: &buffer)
    }

    /// The header of a numbered publication; its ``body(_:)`` follows.
    static func writeHeader(_ publication: Publication, _ number: PublisherNumber, into buffer: inout ByteBuffer) {
        write(kind: 4, publication, into: &buffer)
        buffer.writeInteger(number.publisher)
        buffer.writeInteger(number.number)
    }

    /// What follows the header of a publication: its fields, if it has any, and its payload. Without fields no copy.
    static func body(_ publication: Publication) -> ByteBuffer {
        guard let metadata = publication.metadata else { return publication.payload.bytes }
        var buffer = ByteBuffer()
        metadata.writeFields(into: &buffer)
        buffer.writeImmutableBuffer(publication.payload.bytes)
        return buffer
    }

    /// The header of a join or leave; its payload follows.
    static func header(_ event: PresenceEvent.Kind, at acceptedAt: UInt64) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(kind: event.rawValue, payload: .text, flags: 0, number: acceptedAt, into: &buffer)
        return buffer
    }

    /// A whole probe.
    static func probeBytes(_ number: UInt64) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(kind: 2, payload: .binary, flags: 0, number: number, into: &buffer)
        return buffer
    }

    private static func write(kind: UInt8, _ publication: Publication, into buffer: inout ByteBuffer) {
        write(
            kind: kind, payload: publication.payload.kind, flags: publication.metadata == nil ? 0 : hasFields,
            number: publication.publishedAt, into: &buffer)
    }

    private static func write(
        kind: UInt8, payload: Payload.Kind, flags: UInt8, number: UInt64, into buffer: inout ByteBuffer
    ) {
        buffer.writeInteger(magic)
        buffer.writeInteger(kind)
        buffer.writeInteger(payload.rawValue)
        buffer.writeInteger(flags)
        buffer.writeInteger(number)
    }
}

/// Which publication of a publisher in a channel this is.
struct PublisherNumber: Equatable, Sendable {
    /// A node's broker, at random: a restart is another one.
    var publisher: UInt32
    /// From 1, without gaps.
    var number: UInt32
}
