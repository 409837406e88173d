import FanfareWire
import NIOCore

/// What a publication carries beside its payload, as fields of its ``Envelope``. An id is never used for anything else.
///
/// | id | value |
/// |---|---|
/// | 1 | tags: of each the bytes of its name (2), its name, the bytes of its value (2), its value |
/// | 2 | the publisher's ``ClientInfo`` as JSON |
/// | 3 | the 16 bytes of the ``ClientID`` that does not hear it |
/// | 4 | channels whose subscribers do not hear it: of each the bytes of its name (1), its name |
/// | 5 | how often a subscriber may hear it: 0 at most once, 1 at least once |
extension PublicationMetadata {
    private enum Field {
        static let tags: UInt16 = 1
        static let info: UInt16 = 2
        static let excludedClient: UInt16 = 3
        static let unless: UInt16 = 4
        static let qos: UInt16 = 5
    }

    func writeFields(into buffer: inout ByteBuffer) {
        TypedFields.write(into: &buffer) { fields in
            if !tags.isEmpty {
                fields.add(Field.tags) { buffer in
                    for tag in tags.all {
                        for text in [tag.name, tag.value] {
                            // Fits: all tags together have less than 2¹⁶ bytes.
                            buffer.writeInteger(UInt16(truncatingIfNeeded: text.utf8.count))
                            buffer.writeString(text.string)
                        }
                    }
                }
            }
            if let info { fields.add(Field.info) { info.write(into: &$0) } }
            if let words = excludedClient?.words {
                fields.add(Field.excludedClient) { $0.writeMultipleIntegers(words.high, words.low) }
            }
            if !unless.isEmpty { fields.add(Field.unless) { ChannelNameList.write(unless, into: &$0) } }
            if let qos { fields.add(Field.qos) { $0.writeInteger(qos) } }
        }
    }

    /// Reads fields. One that is not known, that no node wrote so, or that is there already is passed over and counted; the
    /// publication goes on without it. `nil`: nothing is left.
    static func read(fields: UnsafeRawBufferPointer, skippedFields: inout Int) -> PublicationMetadata? {
        var tags: PublicationTags?
        var info: ClientInfo?
        var excludedClient: ClientID?
        var unless: [ChannelName]?
        var qos: UInt8?
        skippedFields += TypedFields.read(fields) { id, value in
            switch id {
            case Field.tags where tags == nil:
                tags = readTags(value)
                return tags != nil
            case Field.info where info == nil && value.count <= maximumInfoBytes:
                info = ClientInfo(json: ByteBuffer(bytes: value))
                return info != nil
            case Field.excludedClient where excludedClient == nil && value.count == ClientID.bytes:
                let high = UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
                excludedClient = ClientID(
                    words: (high, UInt64(bigEndian: value.loadUnaligned(fromByteOffset: 8, as: UInt64.self))))
                return true
            case Field.unless where unless == nil && value.count <= maximumUnlessBytes:
                unless = ChannelNameList.read(value)
                return unless != nil
            case Field.qos where qos == nil && value.count == 1 && value[0] <= 1:
                qos = value[0]
                return true
            default: return false
            }
        }
        return PublicationMetadata(
            tags: tags ?? .none, info: info, excludedClient: excludedClient, unless: unless ?? [], qos: qos)
    }

    private static func readTags(_ value: UnsafeRawBufferPointer) -> PublicationTags? {
        var place = 0
        func text() -> ExactText? {
            guard value.count - place >= 2 else { return nil }
            let count = Int(UInt16(bigEndian: value.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
            place += 2
            guard value.count - place >= count,
                let text = String(
                    validating: UnsafeRawBufferPointer(rebasing: value[place..<place + count]), as: UTF8.self)
            else { return nil }
            place += count
            return ExactText(text)
        }
        var tags: [PublicationTags.Tag] = []
        while place < value.count {
            guard tags.count < PublicationTags.maximumCount, let name = text(), let value = text() else { return nil }
            tags.append(PublicationTags.Tag(name: name, value: value))
        }
        return try? PublicationTags(tags)
    }
}
