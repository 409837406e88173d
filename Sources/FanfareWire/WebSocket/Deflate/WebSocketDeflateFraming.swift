import NIOCore

/// Compresses the frames of ``WebSocketFraming`` for clients that agreed on permessage-deflate with the shared window.
struct WebSocketDeflateFraming: Sendable {
    /// Bytes of a frame from which it is worth to try; `.max`: never.
    let threshold: Int

    /// The frame for these clients; `nil` where the plain one does as well.
    func reseal(_ frame: ByteBuffer) -> ByteBuffer? {
        frame.readableBytes < threshold ? nil : WebSocketFrame.deflated(frame, threshold: threshold)
    }
}
