import NIOCore

/// Every body a message packet of Engine.IO 4 in a WebSocket frame: text behind its type `4`, binary as it is; then its attachments,
/// each in a binary frame.
///
/// Clients that poll share these frames: they are taken apart when one asks (``EngineIOPayload``). So a client that moves from polling
/// to a WebSocket stays in one wire format, and what waits for it goes to the socket as it is.
public struct EngineIOFraming: Framing {
    public init() {}

    public func seal(_ body: consuming Body, at position: StreamPosition? = nil) -> ByteBuffer {
        let (kind, hasRoom, attachments) = (body.kind, body.hasRoom, body.attachments)
        var frames = body.bytes
        // Ends the body's reference, so that the buffer is unique and what stands before it is written without a copy.
        _ = consume body
        switch (kind, hasRoom) {
        case (.text, true):
            let start = frames.readerIndex - 1
            frames.setInteger(EngineIOPacket.Kind.message.rawValue, at: start)
            frames.moveReaderIndex(to: start)
            WebSocketFrame.writeHeader(.text, before: &frames)
        case (.text, false): frames = Self.packet(.message, frames)
        case (.binary, true): WebSocketFrame.writeHeader(.binary, before: &frames)
        case (.binary, false):
            frames = WebSocketFrame.existing(.binary, around: frames) ?? WebSocketFrame.encode(.binary, payload: frames)
        }
        for attachment in attachments { WebSocketFrame.encode(.binary, into: &frames, payload: attachment) }
        return frames
    }

    /// A packet in a text frame.
    public static func packet(_ kind: EngineIOPacket.Kind, _ data: ByteBuffer = ByteBuffer()) -> ByteBuffer {
        let length = data.readableBytes + 1
        var frame = ByteBuffer()
        frame.reserveCapacity(WebSocketFrame.headerLength(payloadLength: length) + length)
        WebSocketFrame.writeHeader(.text, payloadLength: length, into: &frame)
        frame.writeInteger(kind.rawValue)
        frame.writeImmutableBuffer(data)
        return frame
    }
}
