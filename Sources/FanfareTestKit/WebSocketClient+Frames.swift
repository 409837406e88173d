import NIOCore

/// Frames as bytes, right or wrong.
extension WebSocketClient {
    /// The bytes of a frame.
    public static func frame(
        final: Bool = true, reserved: UInt8 = 0, opcode: UInt8, _ payload: [UInt8], masked: Bool = true
    ) -> ByteBuffer {
        var buffer = header(final: final, reserved: reserved, opcode: opcode, length: payload.count, masked: masked)
        guard masked else {
            buffer.writeBytes(payload)
            return buffer
        }
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        buffer.writeBytes(key)
        buffer.writeBytes(payload.enumerated().map { $0.element ^ key[$0.offset % 4] })
        return buffer
    }

    /// The bytes of a frame with a mask of zeros, which costs nothing.
    public static func frame(opcode: UInt8, _ payload: ByteBuffer) -> ByteBuffer {
        var buffer = header(final: true, reserved: 0, opcode: opcode, length: payload.readableBytes, masked: true)
        buffer.writeInteger(UInt32(0))
        buffer.writeImmutableBuffer(payload)
        return buffer
    }

    private static func header(final: Bool, reserved: UInt8, opcode: UInt8, length: Int, masked: Bool) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger((final ? 0x80 : 0) | reserved << 4 | opcode)
        let mask: UInt8 = masked ? 0x80 : 0
        switch length {
        case ..<126: buffer.writeInteger(mask | UInt8(length))
        case ..<65_536:
            buffer.writeInteger(mask | 126)
            buffer.writeInteger(UInt16(length))
        default:
            buffer.writeInteger(mask | 127)
            buffer.writeInteger(UInt64(length))
        }
        return buffer
    }

    /// Takes the first frame of a server out of its bytes, when all of it is there.
    public static func takeFrame(_ bytes: inout ByteBuffer) -> (opcode: UInt8, payload: ByteBuffer)? {
        guard let first: UInt8 = bytes.getInteger(at: bytes.readerIndex),
            let second: UInt8 = bytes.getInteger(at: bytes.readerIndex + 1)
        else { return nil }
        var index = bytes.readerIndex + 2
        var length = Int(second)
        if second == 126 {
            guard let value: UInt16 = bytes.getInteger(at: index) else { return nil }
            (length, index) = (Int(value), index + 2)
        } else if second == 127 {
            guard let value: UInt64 = bytes.getInteger(at: index) else { return nil }
            (length, index) = (Int(value), index + 8)
        }
        guard let payload = bytes.getSlice(at: index, length: length) else { return nil }
        bytes.moveReaderIndex(to: index + length)
        return (first & 0x0F, payload)
    }
}
