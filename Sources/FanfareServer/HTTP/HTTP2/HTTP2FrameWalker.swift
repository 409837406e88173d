/// Walks over the frames of HTTP/2 in a client's bytes, in pieces cut anywhere, by their heads alone (RFC 9113 §4.1). Pure.
///
/// The decoder behind it says what is wrong with them; this only says how many there are, before any is taken apart.
struct HTTP2FrameWalker {
    /// With what a client begins (RFC 9113 §3.4).
    private static let prefaceBytes = 24
    private static let headBytes = 9
    private static let reset: UInt8 = 3

    /// Bytes to pass over before the next head.
    private var skipped = Self.prefaceBytes
    /// Bytes of a head that have come, and what they say.
    private var headBytesSeen = 0
    private var length = 0
    private var kind: UInt8 = 0
    /// How many of the frames so far take a stream back.
    private(set) var resets = 0

    /// Walks on, until frames of that weight have begun: what follows waits for another turn.
    ///
    /// - Returns: how many bytes that were, and how many frames began in them, whose heads are complete.
    mutating func walk(_ bytes: UnsafeRawBufferPointer, weight: Int = .max) -> (bytes: Int, frames: Int) {
        var (index, frames, left) = (0, 0, weight)
        while index < bytes.count, left > 0 || skipped > 0 {
            if skipped > 0 {
                let step = min(skipped, bytes.count - index)
                skipped -= step
                index += step
                continue
            }
            switch headBytesSeen {
            case 0..<3: length = length << 8 | Int(bytes[index])
            case 3: kind = bytes[index]
            default: break
            }
            headBytesSeen += 1
            index += 1
            guard headBytesSeen == Self.headBytes else { continue }
            frames += 1
            if kind == Self.reset { resets += 1 }
            left -= Self.weight(kind)
            (skipped, length, headBytesSeen) = (length, 0, 0)
        }
        return (index, frames)
    }

    /// Header fields begin a request, most of them; the others cost little.
    private static func weight(_ kind: UInt8) -> Int { kind == 1 || kind == 9 ? HTTP2Bounds.headersWeight : 1 }
}
