import NIOCore

/// Frames as HTTP/1.1 carries them: each a chunk, whose size and line break are part of the bytes that all clients share, so
/// that they go to the socket as they are.
public struct ChunkedFraming<Frames: StreamFraming>: Framing {
    private let frames: Frames

    public init(_ frames: Frames) { self.frames = frames }

    public func seal(_ body: consuming Body, at position: StreamPosition?) -> ByteBuffer {
        // A closure can't borrow what is consumed.
        let body = body
        return HTTPChunk.make(sizeHint: frames.sizeHint(body, at: position)) { chunk in
            frames.write(body, at: position, into: &chunk)
        }
    }

    /// As ``StreamFraming/boundary(in:from:)``, of chunks: pings and the end of the answer among them.
    public func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        HTTPChunk.boundary(in: frames, from: offset)
    }
}
