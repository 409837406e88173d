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

    /// Up to so many bytes of a frame with a head of its own, a copy costs less than two references.
    public static let copiedBytes = 1_024

    /// Nearly always the only one, so it needs no array.
    private var first: Piece?
    private var rest: [Piece] = []
    /// All bytes.
    public private(set) var bytes = 0
    /// Those that do not count against the client's limit.
    public private(set) var credit = 0

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
