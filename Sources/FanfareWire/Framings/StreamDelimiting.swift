import NIOCore

/// How the end of a streamed HTTP answer is told, and so what stands around its frames.
public enum StreamDelimiting: Sendable, CaseIterable {
    /// HTTP/1.1: every frame is a chunk.
    case chunked
    /// HTTP/1.0 and HTTP/2: a frame is its bytes.
    case bare

    /// A frame that no codec made (a ping, a `retry:`) as it leaves.
    public func seal(_ frame: ByteBuffer) -> ByteBuffer {
        switch self {
        case .chunked: HTTPChunk.make(sizeHint: frame.readableBytes) { $0.writeImmutableBuffer(frame) }
        case .bare: frame
        }
    }

    /// The bytes that end the answer; none where something else does.
    public var end: ByteBuffer {
        switch self {
        case .chunked: HTTPChunk.last
        case .bare: ByteBuffer()
        }
    }
}
