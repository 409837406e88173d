import NIOCore
import Synchronization

/// A publication with its frames, encoded once where it enters the node and shared by every event loop and subscriber.
///
/// Compressed frames cost a hundred times as much: they are made once too, when a first client takes one.
public final class PreparedPublication: Sendable {
    public let publication: Publication
    /// When this node took it from the broker: microseconds since 1970-01-01 UTC.
    public let receivedAt: UInt64
    /// Whether it comes out of the channel's stream after a gap, late and with many others.
    public let isRepaired: Bool
    private let frames: PerFormat<ByteBuffer?>
    private let threshold: Int
    private let deflated = Mutex(Deflated())

    private struct Deflated {
        var frames = PerFormat<ByteBuffer?>(nil)
        var bytes = DeflatedBytes()
    }

    /// What compression came to: bytes of frames before and after it.
    public struct DeflatedBytes: Sendable, Equatable {
        public var before = 0
        public var after = 0
    }

    /// - Parameter formats: formats to encode now; the others are encoded when asked for, without compression each time.
    public init(_ publication: Publication, formats: WireFormats, receivedAt: UInt64, isRepaired: Bool = false) {
        self.isRepaired = isRepaired
        self.publication = publication
        self.receivedAt = receivedAt
        self.threshold = formats.threshold
        self.frames = PerFormat { $0 == $0.plain && formats.contains($0) ? $0.encode(publication) : nil }
    }

    /// The ready bytes in `format`. Costs an encoding when a first client of that format appeared a moment ago.
    public func frame(_ format: WireFormat) -> ByteBuffer {
        if let frame = frames[format] { return frame }
        guard format != format.plain else { return format.encode(publication) }
        let plain = frame(format.plain)
        guard plain.readableBytes >= threshold else { return plain }
        // Whoever comes second waits for the first: that is shorter than to do it again.
        return deflated.withLock { deflated in
            if let frame = deflated.frames[format] { return frame }
            let frame = WireFormat.deflate(plain, threshold: threshold)
            deflated.frames[format] = frame
            deflated.bytes.before += plain.readableBytes
            deflated.bytes.after += frame.readableBytes
            return frame
        }
    }

    /// What compression came to since the last call; `nil` where none is in use. For one counter among all event loops.
    public func takeDeflatedBytes() -> DeflatedBytes? {
        guard threshold < .max else { return nil }
        return deflated.withLock { deflated in
            defer { deflated.bytes = DeflatedBytes() }
            return deflated.bytes
        }
    }
}
