import NIOCore

/// Frames as a server sends them: whole, unmasked, with the shortest length (RFC 6455 §5.2).
public enum WebSocketFrame {
    /// RFC 6455 §11.8.
    public enum Opcode: UInt8, Sendable {
        /// A further piece of a fragmented message.
        case continuation = 0x0
        /// UTF-8 text.
        case text = 0x1
        /// Any bytes.
        case binary = 0x2
        /// The end of the connection.
        case close = 0x8
        /// A question for life.
        case ping = 0x9
        /// Its answer.
        case pong = 0xA

        /// Whether it may come between the fragments of a message.
        var isControl: Bool { rawValue & 0x8 != 0 }
    }

    /// One whole frame in a buffer of its own; one allocation.
    public static func encode(_ opcode: Opcode, payload: ByteBuffer) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(
            capacity: headerLength(payloadLength: payload.readableBytes) + payload.readableBytes)
        encode(opcode, into: &buffer, payload: payload)
        return buffer
    }

    /// Appends one whole frame.
    public static func encode(_ opcode: Opcode, into buffer: inout ByteBuffer, payload: ByteBuffer) {
        writeHeader(opcode, payloadLength: payload.readableBytes, into: &buffer)
        buffer.writeImmutableBuffer(payload)
    }

    /// Appends the header of a whole frame; the payload follows.
    ///
    /// - Parameter isCompressed: whether the payload is that of permessage-deflate (RFC 7692 §6).
    public static func writeHeader(
        _ opcode: Opcode, payloadLength: Int, isCompressed: Bool = false, into buffer: inout ByteBuffer
    ) {
        let first = UInt16((isCompressed ? 0xC0 : 0x80) | opcode.rawValue) << 8
        // One write each, for a buffer's is dearer than what it writes.
        switch payloadLength {
        case ..<126:
            buffer.writeInteger(first | UInt16(payloadLength))
        case ..<65_536:
            buffer.writeInteger(UInt32(first | 126) << 16 | UInt32(payloadLength))
        default:
            buffer.writeInteger(first | 127)
            buffer.writeInteger(UInt64(payloadLength))
        }
    }

    /// What kind of frame one of the above is, and how long its header.
    static func plainHeader(_ frame: UnsafeRawBufferPointer) -> (opcode: Opcode, length: Int)? {
        guard frame.count >= 2, let opcode = Opcode(rawValue: frame[0] & 0x0F) else { return nil }
        let length = frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10
        return frame.count >= length ? (opcode, length) : nil
    }

    /// Where the frame ends of which the byte before `offset` is a part: the first end of a frame at `offset` or behind it.
    ///
    /// - Parameter frames: whole frames as they are encoded here, one behind the other.
    public static func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        frames.withUnsafeReadableBytes { bytes in
            var end = 0
            while end < offset {
                guard let length = wholeLength(UnsafeRawBufferPointer(rebasing: bytes[end...])) else {
                    return bytes.count
                }
                end = min(bytes.count, end + length)
            }
            return end
        }
    }

    /// Bytes of the frame that begins here, its header too.
    static func wholeLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let (_, header) = plainHeader(bytes) else { return nil }
        switch header {
        case 2: return header + Int(bytes[1])
        case 4: return header + Int(bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian)
        default:
            let payload = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            return payload < 1 << 40 ? header + Int(payload) : nil
        }
    }

    /// Bytes of the header of a frame with that payload.
    public static func headerLength(payloadLength: Int) -> Int {
        payloadLength < 126 ? 2 : payloadLength < 65_536 ? 4 : 10
    }

    /// A close frame with the code and reason of the table.
    public static func close(_ disconnect: Disconnect) -> ByteBuffer {
        close(code: disconnect.code, reason: disconnect.reason)
    }

    /// The answer to a client's close frame: its code again (RFC 6455 §5.5.1), nothing where it gave none.
    public static func closeAnswer(_ code: UInt16?) -> ByteBuffer {
        code.map { close(code: $0, reason: "") } ?? encode(.close, payload: ByteBuffer())
    }

    /// A close frame; the reason is cut to the 123 bytes that fit, between characters.
    public static func close(code: UInt16, reason: String) -> ByteBuffer {
        var payload = ByteBuffer()
        payload.writeInteger(code)
        var room = 123
        for scalar in reason.unicodeScalars {
            room -= UTF8.width(scalar)
            guard room >= 0 else { break }
            payload.writeString(String(scalar))
        }
        return encode(.close, payload: payload)
    }
}
