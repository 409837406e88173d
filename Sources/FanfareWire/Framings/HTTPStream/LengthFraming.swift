import NIOCore

/// Bodies that stand behind their lengths already, as varints of Protobuf: each as it is.
public struct LengthFraming: StreamFraming {
    public init() {}

    public func sizeHint(_ body: Body, at position: StreamPosition?) -> Int { body.bytes.readableBytes }

    public func write(_ body: Body, at position: StreamPosition?, into frame: inout ByteBuffer) {
        frame.writeImmutableBuffer(body.bytes)
    }

    /// What is no whole message is a frame up to its end.
    public func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        var rest = frames
        while frames.readableBytes - rest.readableBytes < offset {
            guard rest.readProtobufBytes() != nil else { return frames.readableBytes }
        }
        return frames.readableBytes - rest.readableBytes
    }
}
