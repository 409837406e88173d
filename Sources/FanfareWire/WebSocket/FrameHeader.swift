import NIOCore

/// The header of a frame from a client (RFC 6455 §5.2), checked as far as it can be by itself.
struct FrameHeader: Equatable {
    var payloadLength: UInt64
    /// In the order of the bytes, first byte lowest.
    var mask: UInt32
    var isFinal: Bool
    /// RSV1 of a message's first frame: its payload is compressed (RFC 7692 §6).
    var isCompressed = false
    var opcode: WebSocketFrame.Opcode

    /// What the bytes so far are.
    enum Parsed: Equatable {
        /// A header; its bytes were consumed.
        case header(FrameHeader)
        /// More bytes are needed; nothing was consumed.
        case incomplete
        /// No header that a client may send, with what is wrong.
        case invalid(String)
    }

    /// - Parameter deflate: whether permessage-deflate was agreed on.
    static func parse(_ buffer: inout ByteBuffer, deflate: Bool) -> Parsed {
        guard let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else { return .incomplete }
        guard first & (deflate ? 0x30 : 0x70) == 0 else {
            return .invalid("a reserved bit is set that no agreed extension uses")
        }
        guard let opcode = WebSocketFrame.Opcode(rawValue: first & 0x0F) else {
            return .invalid("reserved opcode \(first & 0x0F)")
        }
        let isCompressed = first & 0x40 != 0
        guard !isCompressed || opcode == .text || opcode == .binary else {
            return .invalid("RSV1 on a frame that does not begin a message")
        }
        let isFinal = first & 0x80 != 0
        guard isFinal || !opcode.isControl else { return .invalid("fragmented control frame") }
        guard let second = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt8.self) else { return .incomplete }
        guard second & 0x80 != 0 else { return .invalid("unmasked frame") }
        let short = second & 0x7F
        guard short <= 125 || !opcode.isControl else { return .invalid("control frame above 125 bytes") }
        var index = buffer.readerIndex + 2
        let length: UInt64
        switch short {
        case 126:
            guard let value = buffer.getInteger(at: index, as: UInt16.self) else { return .incomplete }
            guard value >= 126 else { return .invalid("length not in its shortest form") }
            length = UInt64(value)
            index += 2
        case 127:
            guard let value = buffer.getInteger(at: index, as: UInt64.self) else { return .incomplete }
            guard value >> 63 == 0 else { return .invalid("length with its highest bit set") }
            guard value >= 65_536 else { return .invalid("length not in its shortest form") }
            length = value
            index += 8
        default:
            length = UInt64(short)
        }
        guard let mask = buffer.getInteger(at: index, endianness: .little, as: UInt32.self) else { return .incomplete }
        buffer.moveReaderIndex(to: index + 4)
        return .header(
            FrameHeader(
                payloadLength: length, mask: mask, isFinal: isFinal, isCompressed: isCompressed, opcode: opcode))
    }
}
