import NIOCore

/// Frames of a client: masked, as RFC 6455 §5.3 wants them, so that the server's work is what real clients make it do.
package enum ClientFrame {
    /// Appends a frame around what `body` writes.
    package static func write(
        _ kind: FrameWalker.Kind, into buffer: inout ByteBuffer, _ body: (inout ByteBuffer) -> Void
    ) {
        var payload = ByteBuffer()
        body(&payload)
        write(kind, payload.readableBytesView, into: &buffer)
    }

    /// Appends a frame.
    package static func write(
        _ kind: FrameWalker.Kind, _ payload: some Collection<UInt8>, into buffer: inout ByteBuffer
    ) {
        buffer.writeInteger(0x80 | kind.rawValue)
        switch payload.count {
        case ..<126: buffer.writeInteger(0x80 | UInt8(payload.count))
        case ..<65_536: buffer.writeMultipleIntegers(UInt8(0x80 | 126), UInt16(payload.count))
        default: buffer.writeMultipleIntegers(UInt8(0x80 | 127), UInt64(payload.count))
        }
        let key = UInt32.random(in: 0...UInt32.max)
        buffer.writeInteger(key)
        let start = buffer.writerIndex
        buffer.writeBytes(payload)
        mask(&buffer, from: start, key: key)
    }

    /// A text frame by itself.
    package static func text(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(.text, text.utf8, into: &buffer)
        return buffer
    }

    private static func mask(_ buffer: inout ByteBuffer, from start: Int, key: UInt32) {
        let skipped = start - buffer.readerIndex
        let wide = (UInt64(key) << 32 | UInt64(key)).bigEndian
        buffer.withUnsafeMutableReadableBytes { bytes in
            var index = skipped
            // Every access ends at or before `bytes.count`.
            while index + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                bytes.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
                index += 8
            }
            while index < bytes.count {
                bytes[index] ^= UInt8(truncatingIfNeeded: key >> UInt32(24 - 8 * ((index - skipped) & 3)))
                index += 1
            }
        }
    }
}
