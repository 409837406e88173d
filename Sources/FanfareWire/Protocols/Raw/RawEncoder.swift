import NIOCore

/// The raw wire protocol: a payload in, a payload out.
enum RawEncoder {
    /// The payload as one WebSocket message: text as text, binary as binary.
    static func frame(_ publication: Publication) -> ByteBuffer {
        let payload = publication.payload
        return payload.message ?? WebSocketFrame.encode(payload.kind == .text ? .text : .binary, payload: payload.bytes)
    }
}
