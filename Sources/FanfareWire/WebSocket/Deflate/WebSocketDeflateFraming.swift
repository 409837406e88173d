import NIOCore

/// Compresses the frames of ``WebSocketFraming`` for clients that agreed on permessage-deflate.
public struct WebSocketDeflateFraming: Sendable {
    /// Bytes of a frame from which it is worth to try; `.max`: never.
    let threshold: Int
    /// Size of the clients' window as a power of two.
    let windowBits: Int

    /// - Parameter windowBits: `nil`: the window that clients share.
    public init(threshold: Int, windowBits: Int? = nil) {
        self.threshold = threshold
        self.windowBits = windowBits ?? Deflater.sharedWindowBits
    }

    /// The frame for these clients; `nil` where the plain one does as well.
    public func reseal(_ frame: ByteBuffer) -> ByteBuffer? {
        frame.readableBytes < threshold
            ? nil : WebSocketFrame.deflated(frame, threshold: threshold, windowBits: windowBits)
    }
}
