import NIOCore

/// A publication with its frames, encoded once where it enters the node and shared by every event loop and subscriber.
public final class PreparedPublication: Sendable {
    public let publication: Publication
    /// When this node took it from the broker: microseconds since 1970-01-01 UTC.
    public let receivedAt: UInt64
    /// Bytes of the frames that were to be compressed, before and after; 0 when there were none.
    public let deflated: (from: Int, to: Int)
    private let frames: PerFormat<ByteBuffer?>
    private let threshold: Int

    /// - Parameter formats: formats to encode now; the others are encoded when asked for, each time.
    public init(_ publication: Publication, formats: WireFormats, receivedAt: UInt64) {
        self.publication = publication
        self.receivedAt = receivedAt
        self.threshold = formats.threshold
        var frames = PerFormat<ByteBuffer?> { format in
            format == format.plain && formats.contains(format)
                ? format.encode(publication, threshold: formats.threshold) : nil
        }
        var deflated = (from: 0, to: 0)
        if formats.anyDeflated {
            for format in WireFormat.deflated where formats.contains(format) {
                let plain = frames[format.plain] ?? format.plain.encode(publication, threshold: formats.threshold)
                let frame = WireFormat.deflate(plain, threshold: formats.threshold)
                deflated.from += plain.readableBytes
                deflated.to += frame.readableBytes
                frames[format] = frame
            }
        }
        self.frames = frames
        self.deflated = deflated
    }

    /// The ready bytes in `format`. Costs an encoding when a first client of that format appeared a moment ago.
    public func frame(_ format: WireFormat) -> ByteBuffer {
        frames[format] ?? format.encode(publication, threshold: threshold)
    }
}
