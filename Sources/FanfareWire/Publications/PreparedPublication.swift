import NIOCore

/// A publication with its frames, encoded once where it enters the node and shared by every event loop and subscriber.
public final class PreparedPublication: Sendable {
    public let publication: Publication
    /// When this node took it from the broker: microseconds since 1970-01-01 UTC.
    public let receivedAt: UInt64
    private let frames: PerFormat<ByteBuffer?>

    /// - Parameter formats: formats to encode now; the others are encoded when asked for, each time.
    public init(_ publication: Publication, formats: WireFormats, receivedAt: UInt64) {
        self.publication = publication
        self.receivedAt = receivedAt
        self.frames = PerFormat { formats.contains($0) ? $0.encode(publication) : nil }
    }

    /// The ready bytes in `format`. Costs an encoding when a first client of that format appeared a moment ago.
    public func frame(_ format: WireFormat) -> ByteBuffer {
        frames[format] ?? format.encode(publication)
    }
}
