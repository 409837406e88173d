import FanfareWire
import NIOCore

/// What a turn brings one client before it is written: references to bytes that clients share, in order. Small ones are
/// put together; nothing is copied that is larger than ``CombinedFrames/sharedBytes``.
public struct PendingBytes {
    /// Whole frames, or a part of one.
    public struct Piece {
        public var bytes: ByteBuffer
        /// Whether they are part of an answer: see ``Outbox``.
        public let isCredited: Bool
        public let part: FramePart
    }

    /// Nearly always the only one, so it needs no array.
    private var first: Piece?
    /// Whether publications are among them.
    public var hasDeliveries = false
    private var rest: [Piece] = []
    /// As 32 bits, for every client has these: a turn is written before a second piece makes it large.
    private var counts: (bytes: UInt32, credit: UInt32) = (0, 0)
    /// All bytes.
    public private(set) var bytes: Int {
        get { Int(counts.bytes) }
        set { counts.bytes = UInt32(newValue) }
    }
    /// Those that do not count against the client's limit.
    public private(set) var credit: Int {
        get { Int(counts.credit) }
        set { counts.credit = UInt32(newValue) }
    }

    public init() {}

    public var isEmpty: Bool { first == nil }

    public var liveBytes: Int { bytes - credit }

    /// The only piece; `nil` where there are several or none.
    public var single: Piece? { rest.isEmpty ? first : nil }

    /// All pieces in order.
    public var pieces: [Piece] { first.map { [$0] + rest } ?? [] }

    /// Adds bytes that the clients of a fan-out get one after the other: those with the same bytes before them share.
    public mutating func append(_ bytes: ByteBuffer, isCredited: Bool = false, join: inout CombinedFrames) {
        guard let last = joinable(with: bytes, isCredited) else { return add(bytes, isCredited) }
        count(bytes, isCredited)
        setLast(join.join(last, bytes))
    }

    /// Adds bytes that are this client's own.
    public mutating func append(_ bytes: ByteBuffer, isCredited: Bool = false) {
        guard var last = joinable(with: bytes, isCredited) else { return add(bytes, isCredited) }
        count(bytes, isCredited)
        // Not held by two: then this would be a copy.
        setLast(ByteBuffer())
        last.writeImmutableBuffer(bytes)
        setLast(last)
    }

    /// Adds a frame whose head is this client's own.
    public mutating func append(_ frame: SplitFrame, isCredited: Bool = false) {
        guard frame.head.readableBytes > 0, frame.readableBytes > Self.copiedBytes else {
            return append(frame.joined, isCredited: isCredited)
        }
        add(frame.head, isCredited, .head)
        add(frame.body, isCredited, .rest)
    }

    /// Adds one frame in parts, which others may hold, too.
    public mutating func append(_ parts: [ByteBuffer], isCredited: Bool) {
        for (index, part) in parts.enumerated() { add(part, isCredited, index == 0 ? .head : .rest) }
    }

    private func joinable(with bytes: ByteBuffer, _ isCredited: Bool) -> ByteBuffer? {
        guard let last = rest.last ?? first, last.isCredited == isCredited, last.part == .whole,
            last.bytes.readableBytes + bytes.readableBytes <= CombinedFrames.sharedBytes
        else { return nil }
        return last.bytes
    }

    private mutating func add(_ bytes: ByteBuffer, _ isCredited: Bool, _ part: FramePart = .whole) {
        count(bytes, isCredited)
        let piece = Piece(bytes: bytes, isCredited: isCredited, part: part)
        if first == nil { first = piece } else { rest.append(piece) }
    }

    private mutating func count(_ bytes: ByteBuffer, _ isCredited: Bool) {
        self.bytes += bytes.readableBytes
        if isCredited { credit += bytes.readableBytes }
    }

    private mutating func setLast(_ bytes: ByteBuffer) {
        if rest.isEmpty { first?.bytes = bytes } else { rest[rest.count - 1].bytes = bytes }
    }
}
