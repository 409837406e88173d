import NIOCore

/// The frames of SockJS, without what a transport puts around them: one line each, without control characters.
public enum SockJSFrame {
    /// The session is open.
    public static let open = ByteBuffer(string: "o")
    /// A sign of life.
    public static let heartbeat = ByteBuffer(string: "h")

    /// An array of messages.
    ///
    /// - Parameter messages: as ``SockJSMessageFraming`` has them, one behind the other.
    public static func messages(_ messages: ByteBuffer) -> ByteBuffer {
        var frame = ByteBufferAllocator().buffer(capacity: messages.readableBytes + 2)
        frame.writeStaticString("a[")
        let start = frame.writerIndex
        frame.writeImmutableBuffer(messages)
        let end = frame.writerIndex
        frame.withUnsafeMutableReadableBytes { bytes in
            let offset = start - (end - bytes.count)
            for index in offset..<bytes.count where bytes[index] == SockJSMessageFraming.terminator {
                bytes[index] = UInt8(ascii: ",")
            }
        }
        // The end of the last message takes the place of its comma.
        if messages.readableBytes > 0 { frame.moveWriterIndex(to: end - 1) }
        frame.writeStaticString("]")
        return frame
    }

    /// The session has ended.
    public static func close(code: UInt16, reason: String) -> ByteBuffer {
        var frame = ByteBuffer(string: "c[\(code),")
        var reason = reason
        reason.withUTF8 { SockJSText.writeString(UnsafeRawBufferPointer($0), into: &frame) }
        frame.writeStaticString("]")
        return frame
    }
}
