import NIOCore

/// Puts publications of several channels together, once for all clients that have the same bytes before them.
///
/// Clients with the same channels come one after the other, so one memory is enough: the first of them pays for the copy.
public struct CombinedFrames: Sendable {
    private var head = ByteBuffer()
    private var tail = ByteBuffer()
    private var whole = ByteBuffer()

    public init() {}

    /// `pending` and `bytes` in one buffer.
    public mutating func join(_ pending: ByteBuffer, _ bytes: ByteBuffer) -> ByteBuffer {
        // The same memory is the same bytes: this holds on to both, so nobody else can have written there.
        if Self.isSame(pending, head), Self.isSame(bytes, tail) { return whole }
        head = pending
        tail = bytes
        whole = ByteBuffer()
        whole.reserveCapacity(pending.readableBytes + bytes.readableBytes)
        whole.writeImmutableBuffer(pending)
        whole.writeImmutableBuffer(bytes)
        return whole
    }

    /// Lets go of what it remembers.
    public mutating func forget() {
        if tail.readableBytes > 0 { self = CombinedFrames() }
    }

    private static func isSame(_ one: ByteBuffer, _ other: ByteBuffer) -> Bool {
        one.withUnsafeReadableBytes { one in
            other.withUnsafeReadableBytes { one.baseAddress == $0.baseAddress && one.count == $0.count }
        }
    }
}
