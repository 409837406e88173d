import NIOCore

/// Every body a WebSocket message, text or binary, in one frame.
public struct WebSocketFraming: Framing {
    public init() {}

    public func seal(_ body: consuming Body, at position: StreamPosition? = nil) -> ByteBuffer {
        let (opcode, hasRoom) = (WebSocketFrame.Opcode(body.kind), body.hasRoom)
        var bytes = body.bytes
        // Ends the body's reference, so that the buffer is unique and the header is written without a copy.
        _ = consume body
        guard hasRoom else {
            return WebSocketFrame.existing(opcode, around: bytes) ?? WebSocketFrame.encode(opcode, payload: bytes)
        }
        WebSocketFrame.writeHeader(opcode, before: &bytes)
        return bytes
    }

    /// The beginning of a body's frame, up to what follows in ``Body/rest``.
    public func head(of body: Body) -> ByteBuffer {
        var head = ByteBuffer()
        head.reserveCapacity(Body.room + body.bytes.readableBytes)
        WebSocketFrame.writeHeader(WebSocketFrame.Opcode(body.kind), payloadLength: body.count, into: &head)
        head.writeImmutableBuffer(body.bytes)
        return head
    }
}

extension WebSocketFraming: PersonalFraming {
    public func writeHeader(of body: Body, behind lead: Int, into buffer: inout ByteBuffer) {
        WebSocketFrame.writeHeader(
            WebSocketFrame.Opcode(body.kind), payloadLength: lead + body.bytes.readableBytes, into: &buffer)
    }
}

extension WebSocketFrame.Opcode {
    /// That of a data frame.
    init(_ kind: Payload.Kind) { self = kind == .text ? .text : .binary }
}
