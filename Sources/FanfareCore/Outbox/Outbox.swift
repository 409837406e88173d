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
///
/// **Pieces.** Each turn that brought something is one piece, and a turn may have brought three bytes. So pieces are bounded in
/// number, too, and beyond a few their own memory is counted for the node as well as what they refer to.
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
    /// As 32 bits, for every client has these: no limit lets 4 GiB wait for one.
    private var counts = Counts()

    private struct Counts {
        var head: UInt32 = 0
        var chunk: UInt32 = 0
        var bytes: UInt32 = 0
        var credit: UInt32 = 0
    }

    /// Index of the first that is still there; a ring would cost idle clients memory.
    private var head: Int {
        get { Int(counts.head) }
        set { counts.head = UInt32(newValue) }
    }
    /// Bytes that the transport has, the first of all.
    private var chunk: Int {
        get { Int(counts.chunk) }
        set { counts.chunk = UInt32(newValue) }
    }
    /// Bytes that the client has not taken.
    public private(set) var bytes: Int {
        get { Int(counts.bytes) }
        set { counts.bytes = UInt32(newValue) }
    }
    /// Those that do not count against the limit.
    public private(set) var credit: Int {
        get { Int(counts.credit) }
        set { counts.credit = UInt32(newValue) }
    }

    public init() {}

    /// Whether nothing waits.
    public var isEmpty: Bool { bytes == 0 }

    /// Bytes that count against the limit.
    public var liveBytes: Int { bytes - credit }

    /// Pieces that wait, among them the one that the transport has the beginning of.
    public var pieceCount: Int { pieces.count - head }

    /// Memory that its end would free, about.
    public var share: Int { pieces[head...].reduce(ownBytes) { $0 + $1.source.share } }

    /// Memory of the pieces themselves, as far as it is counted.
    private var ownBytes: Int { max(0, pieceCount - Self.freePieces) * Self.pieceBytes }

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
        guard isCredited || part == .rest || liveBytes == 0 || mayWait(count + behind, limit) else {
            return .overflow
        }
        let isFirst = isEmpty
        source.holders += 1
        pieces.append(Piece(source: source, taken: taken, end: taken + count, isCredited: isCredited, part: part))
        if pieceCount > Self.freePieces { source.weigh(Self.pieceBytes) }
        bytes += count
        if isCredited { credit += count }
        return isFirst ? .write : .queued
    }

    /// Whether so many live bytes more may wait, as one more piece. An answer may have more pieces by itself, and what is behind it shall not
    /// be cut for that. Without a limit nothing is refused: a farewell.
    private func mayWait(_ count: Int, _ limit: Int) -> Bool {
        liveBytes + count <= limit && (pieceCount < Self.maximumPieces || credit > 0 || limit == .max)
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
            while index < pieces.count, pieces[index].part == .rest { index += 1 }
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
        if pieceCount > Self.freePieces { pieces[head].source.weigh(-Self.pieceBytes) }
        head += 1
    }

    private mutating func removeLast() {
        let isCounted = pieceCount > Self.freePieces
        let source = pieces.removeLast().source
        source.holders -= 1
        if isCounted { source.weigh(-Self.pieceBytes) }
    }

    /// Lets go of everything: the client is gone.
    public mutating func removeAll() {
        pieces[head...].first?.source.weigh(-ownBytes)
        for piece in pieces[head...] { piece.source.holders -= 1 }
        self = Outbox()
    }
}
