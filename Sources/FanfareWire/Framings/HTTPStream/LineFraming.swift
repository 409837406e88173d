import NIOCore

/// Bodies that are one line already: each as it is, and an LF.
public struct LineFraming: StreamFraming {
    public init() {}

    public func sizeHint(_ body: Body, at position: StreamPosition?) -> Int { body.bytes.readableBytes + 1 }

    public func write(_ body: Body, at position: StreamPosition?, into frame: inout ByteBuffer) {
        frame.writeImmutableBuffer(body.bytes)
        frame.writeStaticString("\n")
    }

    public func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        HTTPStreamFraming().boundary(in: frames, from: offset)
    }
}
