import NIOCore

/// Messages of a SockJS session as they are kept until a request fetches them: each a JSON string and an LF, so that many of them
/// become one frame without another look at what they say. Binary is in Base64: SockJS knows text only.
public struct SockJSMessageFraming: Framing {
    /// The byte behind each message, which is within none.
    public static let terminator = UInt8(ascii: "\n")

    public init() {}

    public func seal(_ body: consuming Body, at position: StreamPosition? = nil) -> ByteBuffer {
        let body = body
        var message = ByteBufferAllocator().buffer(capacity: Self.sizeHint(body) + 1)
        Self.writeMessage(body, into: &message)
        message.writeInteger(Self.terminator)
        return message
    }

    static func sizeHint(_ body: Body) -> Int {
        let count = body.bytes.readableBytes
        return 2 + (body.kind == .text ? count + count / 8 : (count + 2) / 3 * 4)
    }

    static func writeMessage(_ body: Body, into buffer: inout ByteBuffer) {
        switch body.kind {
        case .text: body.bytes.withUnsafeReadableBytes { SockJSText.writeString($0, into: &buffer) }
        case .binary:
            buffer.writeStaticString("\"")
            buffer.writeBytes(Base64.encode(body.bytes.readableBytesView))
            buffer.writeStaticString("\"")
        }
    }
}

/// Messages of SockJS over WebSocket: each a frame `a["…"]` in a text message of its own.
public struct SockJSWebSocketFraming: Framing {
    public init() {}

    public func seal(_ body: consuming Body, at position: StreamPosition? = nil) -> ByteBuffer {
        let body = body
        let frame = Body(.text, sizeHint: SockJSMessageFraming.sizeHint(body) + 3) { frame in
            frame.writeStaticString("a[")
            SockJSMessageFraming.writeMessage(body, into: &frame)
            frame.writeStaticString("]")
        }
        return WebSocketFraming().seal(frame)
    }
}
