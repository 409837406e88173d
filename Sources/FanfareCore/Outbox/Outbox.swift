import FanfareWire
import NIOCore

/// What a client has not taken yet: whole frames in order, bounded in bytes. Empty for nearly every client.
///
/// Holds references to bytes that clients share, never copies. The transport has one chunk of up to 64 KB at a time, the
/// rest waits here, where it can still be dropped: a slow consumer then gets the end of the frame that is under way, its
/// close frame, and nothing in between.
///
/// **Credit.** An answer that the node owes a client (missed publications, a page of history, a repaired gap) may be larger
/// than the limit for live traffic. Its bytes are counted apart: what is behind it has the whole limit for itself, and
/// whether the client is slow is a matter of the time in which it takes a chunk.
public struct Outbox {
    /// Whether bytes were taken.
    public enum Verdict: Equatable, Sendable {
        /// The outbox was empty: give the transport what ``next()`` begins and call ``completed()`` when it has gone.
        case write
        /// Waits behind earlier bytes.
        case queued
        /// Would be above the limit: the client is a slow consumer. Nothing was added.
        case overflow
    }

    /// Bytes that the transport gets at a time.
    public static let chunkBytes = 65_536
    /// Most bytes of credit: two of the largest answers. A single answer is taken in any case, what comes on top is counted
    /// as live traffic.
    public static let maximumCredit = 2 * HistoryPage.maximumBytes

    private struct Piece {
        let source: QueuedBytes
        /// Bytes of it that are gone.
        var taken: Int
        /// Where it ends: before the source's end when the rest was dropped.
        var end: Int
        let isCredited: Bool
        let part: FramePart
        var count: Int { end - taken }
    }

    private var pieces: [Piece] = []
    /// Index of the first that is still there; a ring would cost idle clients memory.
    private var head = 0
    /// Bytes that the transport has, the first of all.
    private var chunk = 0
    /// Bytes that the client has not taken.
    public private(set) var bytes = 0
    /// Those that do not count against the limit.
    public private(set) var credit = 0

    public init() {}

    /// Whether nothing waits.
    public var isEmpty: Bool { bytes == 0 }

    /// Bytes that count against the limit.
    public var liveBytes: Int { bytes - credit }

    /// Memory that its end would free, about.
    public var share: Int { pieces[head...].reduce(0) { $0 + $1.source.share } }

    /// Adds bytes behind all others.
    ///
    /// - Parameters:
    ///   - taken: how many of the source's bytes are gone already.
    ///   - isCredited: whether they are part of an answer.
    ///   - part: which part of a frame they are. A rest is refused with its head or not at all.
    ///   - behind: of a head, bytes of its rest.
    ///   - limit: most live bytes; a single write is taken in any case.
    public mutating func append(
        _ source: QueuedBytes, taken: Int = 0, isCredited: Bool = false, part: FramePart = .whole, behind: Int = 0,
        limit: Int
    ) -> Verdict {
        let count = source.bytes.readableBytes - taken
        guard count > 0 else { return .queued }
        let isCredited = isCredited && (credit == 0 || credit + count <= Self.maximumCredit)
        guard isCredited || part == .rest || liveBytes == 0 || liveBytes + count + behind <= limit else {
            return .overflow
        }
        let isFirst = isEmpty
        source.holders += 1
        pieces.append(Piece(source: source, taken: taken, end: taken + count, isCredited: isCredited, part: part))
        bytes += count
        if isCredited { credit += count }
        return isFirst ? .write : .queued
    }

    /// Begins the next chunk for the transport. Returns its bytes: none while it has one, or nothing waits.
    public mutating func next() -> Int {
        guard chunk == 0 else { return 0 }
        chunk = min(Self.chunkBytes, bytes)
        return chunk
    }

    /// The chunk that was begun, in order.
    public func forEachPart(_ body: (_ part: ByteBuffer, _ isLast: Bool) -> Void) {
        var (index, left) = (head, chunk)
        while left > 0 {
            let piece = pieces[index]
            let count = min(piece.count, left)
            let start = piece.source.bytes.readerIndex + piece.taken
            left -= count
            index += 1
            if let part = piece.source.bytes.getSlice(at: start, length: count) { body(part, left == 0) }
        }
    }

    /// The transport has written its chunk.
    public mutating func completed() {
        bytes -= chunk
        while chunk > 0 {
            let count = min(chunk, pieces[head].count)
            chunk -= count
            pieces[head].taken += count
            if pieces[head].isCredited { credit -= count }
            if pieces[head].count == 0 { removeFirst() }
        }
        if head == pieces.count {
            // Where all bytes go this way, as with TLS, the next write finds room.
            pieces.removeAll(keepingCapacity: pieces.capacity <= 4)
            head = 0
        } else if head >= 64, head * 2 >= pieces.count {
            pieces.removeFirst(head)
            head = 0
        }
    }

    /// Drops what the transport does not have yet, but for the end of a frame of which the client has the beginning.
    /// Returns how many bytes that were.
    ///
    /// - Parameter boundary: where the frame ends within bytes of which the client has the first so many.
    public mutating func dropWaiting(boundary: (_ bytes: ByteBuffer, _ taken: Int) -> Int) -> Int {
        var (index, left) = (head, chunk)
        while index < pieces.count, left >= pieces[index].count {
            left -= pieces[index].count
            index += 1
        }
        if index < pieces.count, pieces[index].taken + left > 0 || pieces[index].part == .rest {
            let piece = pieces[index]
            if piece.part == .whole {
                let whole = boundary(piece.source.bytes, piece.taken + left)
                shorten(index, to: min(whole, piece.end))
            }
            index += 1
            // The rest of a frame stands behind its head.
            if index < pieces.count, pieces[index].part == .rest { index += 1 }
        }
        let before = bytes
        while pieces.count > index { removeLast() }
        bytes = pieces[head...].reduce(0) { $0 + $1.count }
        credit = pieces[head...].reduce(0) { $0 + ($1.isCredited ? $1.count : 0) }
        return before - bytes
    }

    private mutating func shorten(_ index: Int, to end: Int) { pieces[index].end = end }

    private mutating func removeFirst() {
        pieces[head].source.holders -= 1
        head += 1
    }

    private mutating func removeLast() { pieces.removeLast().source.holders -= 1 }

    /// Lets go of everything: the client is gone.
    public mutating func removeAll() {
        for piece in pieces[head...] { piece.source.holders -= 1 }
        self = Outbox()
    }
}
