import NIOCore

/// How much is read of a socket at a time: twice as much when a read was full, half when two were less than half full. What NIO's
/// `AdaptiveRecvByteBufferAllocator` does, in eight bytes that stand in the channel itself: NIO's own has its bounds with it, and
/// so takes 64 bytes of memory for each socket.
struct ReceiveSizes: RecvByteBufferAllocator {
    private var next = ServerBounds.leastReadBytes
    private var wasSmall = false

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: Int(next)) }

    func nextBufferSize() -> Int? { Int(next) }

    mutating func record(actualReadBytes count: Int) -> Bool {
        if count <= next / 2, next > ServerBounds.leastReadBytes {
            if wasSmall { next /= 2 }
            wasSmall.toggle()
            return false
        }
        wasSmall = false
        guard count >= next, next < ServerBounds.mostReadBytes else { return false }
        next *= 2
        return true
    }
}
