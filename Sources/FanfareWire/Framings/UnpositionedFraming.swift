import NIOCore

/// Frames that say nothing of positions: for clients whose protocol says where they are in each of their channels.
public struct UnpositionedFraming<Frames: StreamFraming>: StreamFraming {
    private let frames: Frames

    public init(_ frames: Frames) { self.frames = frames }

    public func sizeHint(_ body: Body, at position: StreamPosition?) -> Int { frames.sizeHint(body, at: nil) }

    public func write(_ body: Body, at position: StreamPosition?, into frame: inout ByteBuffer) {
        frames.write(body, at: nil, into: &frame)
    }

    public func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        self.frames.boundary(in: frames, from: offset)
    }
}
