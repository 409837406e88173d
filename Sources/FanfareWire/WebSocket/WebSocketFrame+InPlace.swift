import NIOCore

/// Frames whose header stands right before a payload in the same memory, so that the payload is not copied.
extension WebSocketFrame {
    /// Makes a payload a whole frame: writes its header into the room before it. Where others hold the payload, it is copied.
    ///
    /// - Parameter payload: its reader index is the length of the header or more.
    static func writeHeader(_ opcode: Opcode, before payload: inout ByteBuffer) {
        let length = payload.readableBytes
        let start = payload.readerIndex - headerLength(payloadLength: length)
        payload.moveReaderIndex(to: start)
        payload.moveWriterIndex(to: start)
        writeHeader(opcode, payloadLength: length, into: &payload)
        payload.moveWriterIndex(forwardBy: length)
    }

    /// The whole frame around `payload`, if the bytes right before it are exactly its header. Compares bytes, so it does not
    /// matter who wrote them, or what for.
    static func existing(_ opcode: Opcode, around payload: ByteBuffer) -> ByteBuffer? {
        let length = headerLength(payloadLength: payload.readableBytes)
        guard payload.readerIndex >= length else { return nil }
        var frame = payload
        frame.moveReaderIndex(to: payload.readerIndex - length)
        guard frame.getInteger(at: frame.readerIndex, as: UInt8.self) == 0x80 | opcode.rawValue else { return nil }
        let isHeader = frame.withUnsafeReadableBytes { bytes in
            bytes[1] <= 127 && plainHeader(bytes)?.length == length && wholeLength(bytes) == bytes.count
        }
        return isHeader ? frame : nil
    }
}

extension Payload {
    /// Copies `bytes` once and writes the header of a server's WebSocket message before them: most payloads leave in one, and
    /// ``WebSocketFraming`` finds it there.
    public init(kind: Kind, copying bytes: UnsafeRawBufferPointer) {
        let header = WebSocketFrame.headerLength(payloadLength: bytes.count)
        var message = ByteBuffer()
        message.reserveCapacity(header + bytes.count)
        WebSocketFrame.writeHeader(.init(kind), payloadLength: bytes.count, into: &message)
        message.writeBytes(bytes)
        message.moveReaderIndex(forwardBy: header)
        self.init(kind: kind, bytes: message)
    }
}
