import NIOCore

/// Compresses the frames of ``WebSocketFraming`` for clients that agreed on permessage-deflate.
public struct WebSocketDeflateFraming: Sendable {
    /// Bytes of a frame from which it is worth to try; more than any frame has: never.
    private let leastBytes: UInt32
    private let bits: UInt8
    var threshold: Int { Int(leastBytes) }
    /// Size of the clients' window as a power of two.
    var windowBits: Int { Int(bits) }

    /// - Parameter windowBits: `nil`: the window that clients share.
    public init(threshold: Int, windowBits: Int? = nil) {
        leastBytes = UInt32(clamping: threshold)
        bits = UInt8(windowBits ?? Deflater.sharedWindowBits)
    }

    /// The frame for these clients; `nil` where the plain one does as well.
    public func reseal(_ frame: ByteBuffer) -> ByteBuffer? {
        frame.readableBytes < threshold
            ? nil : WebSocketFrame.deflated(frame, threshold: threshold, windowBits: windowBits)
    }
}
