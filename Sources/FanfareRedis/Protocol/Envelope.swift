import FanfareWire
import NIOCore

/// What nodes publish in Redis: a header of 15 bytes, what its kind adds, and the payload. Everything that does not begin
/// with the magic is a plain payload from a backend. Numbers are big endian.
///
/// | bytes | meaning |
/// |---|---|
/// | 4 | magic `00 46 46 01`; the zero can't begin a text that a person publishes; the last byte is the version |
/// | 1 | kind: 1 publication, 2 probe, 3 publication of a stream, 4 numbered publication, 5 join, 6 leave |
/// | 1 | payload: 0 text, 1 binary |
/// | 1 | reserved, 0 |
/// | 8 | when a node accepted it, microseconds since 1970; for a probe its number |
/// | | kind 3: 8 bytes offset, 1 byte length of the epoch, epoch |
/// | | kind 4: 4 bytes publisher, 4 bytes number, which counts the publisher's publications in this channel from 1 |
///
/// The payload of kinds 5 and 6 is a ``ClientInfo`` as JSON. Kind 1 is what a stream's entries hold: their place is their id.
enum Envelope: Equatable {
    /// A publication by a node, or by a backend with a plain PUBLISH (accepted at 0).
    case publication(Payload, acceptedAt: UInt64)
    /// A publication of a channel with history.
    case positioned(Payload, acceptedAt: UInt64, StreamPosition)
    /// A publication of a channel without history, by a node that counts.
    case numbered(Payload, acceptedAt: UInt64, PublisherNumber)
    /// A client came into the channel, or is gone from it.
    case presence(PresenceEvent.Kind, ClientInfo)
    /// A node's question to itself, with its number.
    case probe(UInt64)

    static let headerBytes = 15
    /// The most that any kind has before its payload.
    static let maximumHeaderBytes = headerBytes + 9 + StreamPosition.maximumEpochBytes
    private static let magic: UInt32 = 0x0046_4601
    private static let magicPrefix: [UInt8] = [0x00, 0x46, 0x46]

    /// The header of a publication; its payload follows.
    static func writeHeader(_ publication: Publication, into buffer: inout ByteBuffer) {
        write(kind: 1, payload: publication.payload.kind, number: publication.publishedAt, into: &buffer)
    }

    /// The header of a publication of a stream, up to where the script that knows its place writes the rest.
    static func writeStreamHeader(_ publication: Publication, into buffer: inout ByteBuffer) {
        write(kind: 3, payload: publication.payload.kind, number: publication.publishedAt, into: &buffer)
    }

    /// The header of a numbered publication; its payload follows.
    static func writeHeader(_ publication: Publication, _ number: PublisherNumber, into buffer: inout ByteBuffer) {
        write(kind: 4, payload: publication.payload.kind, number: publication.publishedAt, into: &buffer)
        buffer.writeInteger(number.publisher)
        buffer.writeInteger(number.number)
    }

    /// The header of a join or leave; its payload follows.
    static func header(_ event: PresenceEvent.Kind, at acceptedAt: UInt64) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(kind: event.rawValue, payload: .text, number: acceptedAt, into: &buffer)
        return buffer
    }

    /// A whole probe.
    static func probeBytes(_ number: UInt64) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(kind: 2, payload: .binary, number: number, into: &buffer)
        return buffer
    }

    private static func write(kind: UInt8, payload: Payload.Kind, number: UInt64, into buffer: inout ByteBuffer) {
        buffer.writeInteger(magic)
        buffer.writeInteger(kind)
        buffer.writeInteger(payload.rawValue)
        buffer.writeInteger(UInt8(0))
        buffer.writeInteger(number)
    }

    /// Reads what came from Redis; `nil`: an envelope that this version does not know, or text that is not UTF-8.
    static func read(_ bytes: UnsafeRawBufferPointer) -> Envelope? {
        guard bytes.count >= 3, bytes.prefix(3).elementsEqual(magicPrefix) else {
            let kind: Payload.Kind = UTF8Validator.isValid(bytes) ? .text : .binary
            return .publication(Payload(kind: kind, copying: bytes), acceptedAt: 0)
        }
        var header = ByteBuffer(bytes: bytes.prefix(headerBytes))
        guard header.readInteger(as: UInt32.self) == magic, let kind = header.readInteger(as: UInt8.self),
            let payloadKind = header.readInteger(as: UInt8.self).flatMap(Payload.Kind.init),
            header.readInteger(as: UInt8.self) == 0, let number = header.readInteger(as: UInt64.self)
        else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[headerBytes...])
        switch kind {
        case 1: return payload(payloadKind, rest).map { .publication($0, acceptedAt: number) }
        case 2: return .probe(number)
        case 3: return positioned(payloadKind, number, rest)
        case 4: return numbered(payloadKind, number, rest)
        default:
            guard let event = PresenceEvent.Kind(rawValue: kind),
                let info = ClientInfo(json: ByteBuffer(bytes: rest))
            else { return nil }
            return .presence(event, info)
        }
    }

    private static func payload(_ kind: Payload.Kind, _ bytes: UnsafeRawBufferPointer) -> Payload? {
        kind == .binary || UTF8Validator.isValid(bytes) ? Payload(kind: kind, copying: bytes) : nil
    }

    private static func positioned(
        _ kind: Payload.Kind, _ acceptedAt: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Envelope? {
        guard bytes.count > 9 else { return nil }
        let length = Int(bytes[8])
        guard bytes.count >= 9 + length, length <= StreamPosition.maximumEpochBytes else { return nil }
        let offset = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        let epoch = String(decoding: bytes[9..<9 + length], as: UTF8.self)
        guard StreamPosition.isEpoch(epoch),
            let payload = payload(kind, UnsafeRawBufferPointer(rebasing: bytes[(9 + length)...]))
        else { return nil }
        return .positioned(payload, acceptedAt: acceptedAt, StreamPosition(offset: offset, epoch: epoch))
    }

    private static func numbered(
        _ kind: Payload.Kind, _ acceptedAt: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Envelope? {
        guard bytes.count >= 8, let payload = payload(kind, UnsafeRawBufferPointer(rebasing: bytes[8...])) else {
            return nil
        }
        let publisher = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        let number = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        return .numbered(
            payload, acceptedAt: acceptedAt, PublisherNumber(publisher: publisher, number: number))
    }
}

/// Which publication of a publisher in a channel this is.
struct PublisherNumber: Equatable, Sendable {
    /// A node's broker, at random: a restart is another one.
    var publisher: UInt32
    /// From 1, without gaps.
    var number: UInt32
}
