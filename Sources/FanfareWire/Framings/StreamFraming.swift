import NIOCore

/// A framing for HTTP answers that are streamed: its frames say where messages end, and nothing of where the answer does.
///
/// That is said around them: by ``ChunkedFraming`` in HTTP/1.1, by the end of the connection in HTTP/1.0, by DATA frames in
/// HTTP/2. In the latter two the frames leave as they are.
public protocol StreamFraming: Framing {
    /// Bytes of the frame when nothing in the body has to be escaped: memory is reserved for so many.
    func sizeHint(_ body: Body, at position: StreamPosition?) -> Int

    /// Writes the frame behind what is there.
    func write(_ body: Body, at position: StreamPosition?, into frame: inout ByteBuffer)

    /// Where the frame ends of which the byte before `offset` is a part: the first end of a frame at `offset` or behind it. An
    /// answer can be ended there.
    ///
    /// - Parameter frames: whole frames of this framing, pings too, one behind the other.
    func boundary(in frames: ByteBuffer, from offset: Int) -> Int
}

extension StreamFraming {
    public func seal(_ body: consuming Body, at position: StreamPosition?) -> ByteBuffer {
        var frame = ByteBufferAllocator().buffer(capacity: sizeHint(body, at: position))
        write(body, at: position, into: &frame)
        return frame
    }
}
