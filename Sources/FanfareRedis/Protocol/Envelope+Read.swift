import FanfareWire
import NIOCore

/// Reading: what no node wrote, or one that is newer, is never more than dropped.
extension Envelope {
    /// Reads what came from Redis; `nil`: an envelope that this version does not know, or text that is not UTF-8.
    ///
    /// - Parameter skippedFields: counts the fields that were passed over.
    static func read(_ bytes: UnsafeRawBufferPointer, skippedFields: inout Int) -> Envelope? {
        guard bytes.count >= 3, bytes.prefix(3).elementsEqual(magicPrefix) else {
            let kind: Payload.Kind = UTF8Validator.isValid(bytes) ? .text : .binary
            return .publication(Payload(kind: kind, copying: bytes), acceptedAt: 0)
        }
        guard let parts = Parts(bytes) else { return nil }
        switch parts.kind {
        case 1, 3, 4: return publication(parts, &skippedFields)
        case 2:
            skippedFields += TypedFields.read(parts.fields) { _, _ in false }
            return .probe(parts.number)
        default:
            guard let event = PresenceEvent.Kind(rawValue: parts.kind),
                let info = ClientInfo(json: ByteBuffer(bytes: parts.payload))
            else { return nil }
            skippedFields += TypedFields.read(parts.fields) { _, _ in false }
            return .presence(event, info)
        }
    }

    /// Reads it and counts nothing.
    static func read(_ bytes: UnsafeRawBufferPointer) -> Envelope? {
        var skippedFields = 0
        return read(bytes, skippedFields: &skippedFields)
    }

    /// Bytes of a message's fields, which are no part of the payload's bound; 0: it has none that can be read.
    static func fieldBytes(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= headerBytes, bytes[6] == hasFields, let parts = Parts(bytes) else { return 0 }
        return bytes.count - headerBytes - parts.addition.count - parts.payload.count
    }

    private static func publication(_ parts: Parts, _ skippedFields: inout Int) -> Envelope? {
        guard parts.payloadKind == .binary || UTF8Validator.isValid(parts.payload) else { return nil }
        let payload = Payload(kind: parts.payloadKind, copying: parts.payload)
        let metadata =
            parts.fields.isEmpty
            ? nil : PublicationMetadata.read(fields: parts.fields, skippedFields: &skippedFields)
        switch parts.kind {
        case 3:
            let offset = UInt64(bigEndian: parts.addition.loadUnaligned(as: UInt64.self))
            let epoch = String(decoding: parts.addition[9...], as: UTF8.self)
            guard StreamPosition.isEpoch(epoch) else { return nil }
            return .positioned(
                payload, acceptedAt: parts.number, StreamPosition(offset: offset, epoch: epoch), metadata)
        case 4:
            let number = PublisherNumber(
                publisher: UInt32(bigEndian: parts.addition.loadUnaligned(as: UInt32.self)),
                number: UInt32(bigEndian: parts.addition.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            return .numbered(payload, acceptedAt: parts.number, number, metadata)
        default: return .publication(payload, acceptedAt: parts.number, metadata)
        }
    }

    /// A message with the magic, taken apart.
    private struct Parts {
        let kind: UInt8
        let payloadKind: Payload.Kind
        let number: UInt64
        /// What the kind adds to the header.
        let addition: UnsafeRawBufferPointer
        /// Empty when there are none.
        let fields: UnsafeRawBufferPointer
        let payload: UnsafeRawBufferPointer

        /// `nil`: too short, or something in it says that the rest means what this version does not know.
        init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count >= headerBytes, UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)) == magic,
                let payloadKind = Payload.Kind(rawValue: bytes[5]), bytes[6] & ~hasFields == 0
            else { return nil }
            kind = bytes[4]
            self.payloadKind = payloadKind
            number = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 7, as: UInt64.self))
            let rest = UnsafeRawBufferPointer(rebasing: bytes[headerBytes...])
            guard let count = Self.addition(kind, rest), rest.count >= count else { return nil }
            addition = UnsafeRawBufferPointer(rebasing: rest[..<count])
            let body = UnsafeRawBufferPointer(rebasing: rest[count...])
            if bytes[6] == 0 {
                fields = UnsafeRawBufferPointer(start: nil, count: 0)
                payload = body
            } else {
                guard let split = TypedFields.split(body) else { return nil }
                (fields, payload) = split
            }
        }

        /// Bytes that a kind adds to the header; `nil`: no such kind, or they are not there.
        private static func addition(_ kind: UInt8, _ rest: UnsafeRawBufferPointer) -> Int? {
            switch kind {
            case 1, 2, 5, 6: return 0
            case 3:
                guard rest.count > 9, rest[8] <= StreamPosition.maximumEpochBytes else { return nil }
                return 9 + Int(rest[8])
            case 4: return 8
            default: return nil
            }
        }
    }
}
