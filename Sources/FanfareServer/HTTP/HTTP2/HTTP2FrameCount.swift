import NIOCore

/// Counts the frames of HTTP/2 in a client's bytes, in pieces cut anywhere, by their heads alone (RFC 9113 §4.1). Pure.
///
/// The decoder behind it says what is wrong with them; this only says how many there are before any is taken apart.
struct HTTP2FrameCount {
    /// With what a client begins (RFC 9113 §3.4).
    private static let prefaceBytes = 24
    private static let headBytes = 9

    /// Bytes to pass over before the next head.
    private var skipped = Self.prefaceBytes
    /// Bytes of a head that have come, and what they say about the frame's length.
    private var headBytesSeen = 0
    private var length = 0

    /// - Returns: how many frames began, whose heads are complete.
    mutating func count(_ bytes: UnsafeRawBufferPointer) -> Int {
        var (index, frames) = (0, 0)
        while index < bytes.count {
            if skipped > 0 {
                let step = min(skipped, bytes.count - index)
                skipped -= step
                index += step
                continue
            }
            if headBytesSeen < 3 { length = length << 8 | Int(bytes[index]) }
            headBytesSeen += 1
            index += 1
            guard headBytesSeen == Self.headBytes else { continue }
            frames += 1
            (skipped, length, headBytesSeen) = (length, 0, 0)
        }
        return frames
    }
}
