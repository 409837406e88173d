import FanfareWire
import NIOCore

/// Packets of the node. Each leaves as one binary message of its transport (§6).
enum MQTTWriter {
    static let pingresp = packet(.pingresp, sizeHint: 0) { _ in }

    /// - Parameter write: what the remaining length counts.
    private static func packet(
        _ type: MQTTPacketType, sizeHint: Int, _ write: (inout ByteBuffer) -> Void
    ) -> Body {
        var rest = ByteBuffer()
        rest.reserveCapacity(sizeHint)
        write(&rest)
        return Body(.binary, sizeHint: 5 + rest.readableBytes) { buffer in
            buffer.writeInteger(type.rawValue << 4 | (type.flags ?? 0))
            MQTTVariable.write(rest.readableBytes, into: &buffer)
            buffer.writeImmutableBuffer(rest)
        }
    }

    /// CONNACK (§3.2). `nil`: 3.1.1 has no code for it.
    ///
    /// - Parameter properties: only version 5 has them.
    static func connack(_ version: MQTTVersion, _ reason: MQTTReason, _ properties: MQTTProperties) -> Body? {
        guard version == .v5 else {
            guard let code = reason.connectReturnCode else { return nil }
            return packet(.connack, sizeHint: 2) { $0.writeInteger(UInt16(code)) }
        }
        return packet(.connack, sizeHint: 8 + properties.size) { buffer in
            buffer.writeInteger(UInt8(0))
            buffer.writeInteger(reason.rawValue)
            write(properties, into: &buffer)
        }
    }

    /// PUBACK, PUBREC, PUBREL or PUBCOMP. What version 5 may leave out is left out (§3.4.2.1).
    static func acknowledge(
        _ version: MQTTVersion, _ type: MQTTPacketType, _ packetID: UInt16, _ reason: MQTTReason = .success,
        text: String? = nil
    ) -> Body {
        packet(type, sizeHint: 2) { buffer in
            buffer.writeInteger(packetID)
            guard version == .v5, reason != .success else { return }
            buffer.writeInteger(reason.rawValue)
            if let text { write(MQTTProperties(text), into: &buffer) }
        }
    }

    /// SUBACK (§3.9): a reason for each topic filter, in their order.
    static func suback(_ version: MQTTVersion, _ packetID: UInt16, _ reasons: [MQTTReason]) -> Body {
        packet(.suback, sizeHint: 3 + reasons.count) { buffer in
            buffer.writeInteger(packetID)
            if version == .v5 { buffer.writeInteger(UInt8(0)) }
            // 3.1.1 has one code for all that is refused.
            buffer.writeBytes(reasons.map { version == .v5 || $0.rawValue < 0x80 ? $0.rawValue : 0x80 })
        }
    }

    /// UNSUBACK (§3.11). 3.1.1 has no reasons in it.
    static func unsuback(_ version: MQTTVersion, _ packetID: UInt16, _ reasons: [MQTTReason]) -> Body {
        packet(.unsuback, sizeHint: 3 + reasons.count) { buffer in
            buffer.writeInteger(packetID)
            guard version == .v5 else { return }
            buffer.writeInteger(UInt8(0))
            buffer.writeBytes(reasons.map(\.rawValue))
        }
    }

    /// DISCONNECT of a server (§3.14), which only version 5 has.
    static func disconnect(_ reason: MQTTReason, text: String) -> Body {
        packet(.disconnect, sizeHint: 8 + text.utf8.count) { buffer in
            buffer.writeInteger(reason.rawValue)
            write(MQTTProperties(text), into: &buffer)
        }
    }

    private static func write(_ properties: MQTTProperties, into buffer: inout ByteBuffer) {
        MQTTVariable.write(properties.size, into: &buffer)
        properties.write(into: &buffer)
    }
}

extension MQTTProperties {
    /// A reason string, for a person (§3.2.2.3.9).
    init(_ reason: String) {
        self.init()
        // A text cut within a character would be none.
        var text = ""
        for character in reason where character != "\0" {
            guard text.utf8.count + character.utf8.count <= MQTTBounds.reasonBytes else { break }
            text.append(character)
        }
        append(.reasonString, .text(ExactText(text)))
    }
}
