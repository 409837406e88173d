import FanfareWire
import NIOCore

/// What nodes publish in Redis: a header of 15 bytes and the payload. Everything that does not begin with the magic is a
/// plain payload from a backend.
///
/// | bytes | meaning |
/// |---|---|
/// | 4 | magic `00 46 46 01`; the zero can't begin a text that a person publishes; the last byte is the version |
/// | 1 | kind: 1 publication, 2 probe |
/// | 1 | payload: 0 text, 1 binary |
/// | 1 | reserved, 0 |
/// | 8 | when a node accepted it, microseconds since 1970, big endian; for a probe its number |
enum Envelope: Equatable {
    /// A publication by a node, or by a backend with a plain PUBLISH (accepted at 0).
    case publication(Payload, acceptedAt: UInt64)
    /// A node's question to itself, with its number.
    case probe(UInt64)

    static let headerBytes = 15
    private static let magic: UInt32 = 0x0046_4601
    private static let magicPrefix: [UInt8] = [0x00, 0x46, 0x46]

    /// The header of a publication; its payload follows.
    static func writeHeader(_ publication: Publication, into buffer: inout ByteBuffer) {
        write(kind: 1, payload: publication.payload.kind, number: publication.publishedAt, into: &buffer)
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
        let payload = UnsafeRawBufferPointer(rebasing: bytes[headerBytes...])
        switch kind {
        case 1:
            guard payloadKind == .binary || UTF8Validator.isValid(payload) else { return nil }
            return .publication(Payload(kind: payloadKind, copying: payload), acceptedAt: number)
        case 2:
            return .probe(number)
        default:
            return nil
        }
    }
}
