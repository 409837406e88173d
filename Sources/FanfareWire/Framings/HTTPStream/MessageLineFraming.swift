import NIOCore

/// Messages of a protocol as lines: each as it is, and an LF. For bodies without line breaks.
public struct MessageLineFraming: StreamFraming {
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
