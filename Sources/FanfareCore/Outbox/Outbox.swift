import NIOCore

/// What a client has not taken yet: whole frames in order, bounded in bytes. Empty for nearly every client.
///
/// At most one chunk is with the transport at a time, the rest waits here, where it can still be dropped: a slow
/// consumer then gets the end of the chunk that is under way, its close frame, and nothing in between.
public struct Outbox: Sendable {
    /// Whether bytes were taken.
    public enum Verdict: Equatable, Sendable {
        /// The outbox was empty: hand this on to the transport and call ``completed()`` when it has gone.
        case write
        /// Waits behind earlier bytes.
        case queued
        /// Would be above the limit: the client is a slow consumer. Nothing was added.
        case overflow
    }

    private var waiting: [ByteBuffer] = []
    /// Index of the first buffer of `waiting` that is still there; a ring would cost idle clients memory.
    private var head = 0
    private var chunkBytes = 0
    /// Bytes that the transport does not have yet.
    public private(set) var waitingBytes = 0

    public init() {}

    /// Bytes that the client has not taken.
    public var bytes: Int { chunkBytes + waitingBytes }

    /// Whether the transport has nothing from here.
    public var isEmpty: Bool { chunkBytes == 0 }

    /// Adds bytes behind all others.
    ///
    /// - Parameter limit: most bytes in all; a single write is taken in any case.
    public mutating func append(_ bytes: ByteBuffer, limit: Int) -> Verdict {
        guard bytes.readableBytes > 0 else { return .queued }
        if isEmpty {
            chunkBytes = bytes.readableBytes
            return .write
        }
        guard self.bytes + bytes.readableBytes <= limit else { return .overflow }
        waiting.append(bytes)
        waitingBytes += bytes.readableBytes
        return .queued
    }

    /// The transport has written its chunk: the next one, if any, up to some 64 KB in one piece.
    public mutating func completed() -> ByteBuffer? {
        chunkBytes = 0
        guard head < waiting.count else { return nil }
        var chunk = waiting[head]
        head += 1
        while head < waiting.count, chunk.readableBytes + waiting[head].readableBytes <= 65_536 {
            chunk.writeImmutableBuffer(waiting[head])
            head += 1
        }
        if head == waiting.count {
            waiting = []
            head = 0
        } else if head >= 64, head * 2 >= waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
        chunkBytes = chunk.readableBytes
        waitingBytes -= chunkBytes
        return chunk
    }

    /// Drops what the transport does not have yet.
    public mutating func dropWaiting() {
        waiting = []
        head = 0
        waitingBytes = 0
    }
}
