import NIOCore

extension WebSocketFrame {
    /// What permessage-deflate makes of a plain frame: a smaller one, or the same.
    ///
    /// - Parameters:
    ///   - threshold: bytes of a frame from which it is worth to try; 0: every frame, also where it gets no smaller.
    ///   - windowBits: size of the receiver's window, as a power of two; the one of all shared frames by default.
    public static func deflated(_ frame: ByteBuffer, threshold: Int, windowBits: Int? = nil) -> ByteBuffer {
        guard frame.readableBytes >= threshold else { return frame }
        let bits = windowBits ?? Deflater.sharedWindowBits
        let growth = threshold == 0 ? DeflateAgreement.growth(frame.readableBytes) : -1
        return Deflater.compress(frame: frame, windowBits: bits, growth: growth) ?? frame
    }
}
