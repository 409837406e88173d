import FanfareWire
import NIOCore

/// Subscribers with a ``Selection`` that get the same bytes.
struct SelectiveGroup {
    /// What tells groups apart.
    struct Sort: Hashable {
        let format: WireFormat
        let share: Share
    }

    /// What the subscribers of a group get.
    enum Share: Hashable {
        case filtered(TagFilter)
        /// Whole publications, the first of which makes them ready for deltas.
        case whole
        case deltas

        /// How a subscription begins.
        init(_ selection: Selection) {
            switch selection {
            case .filtered(let filter): self = .filtered(filter)
            case .deltas: self = .whole
            }
        }

        /// Whether its subscribers have deltas, now or soon.
        var hasDeltas: Bool {
            switch self {
            case .whole, .deltas: true
            case .filtered: false
            }
        }
    }

    let sort: Sort
    /// Subscribers in it; the number of a group without any is used again.
    var count: Int
    /// Whether its only subscriber does not hear all of this turn, as in ``Exclusion``; nearly always `nil`, nobody.
    var omits: UnsafeMutableRawPointer?
    /// This turn's frames.
    var batch: ByteBuffer?
    /// This turn's last frame, where only the newest is kept for clients that are behind: whole.
    var newest: ByteBuffer?
    /// Publications in the batch.
    var publications = 0

    /// Whether its subscribers have to change groups when the turn is over.
    var isOver: Bool { count > 0 && (omits != nil || sort.share == .whole && publications > 0) }

    /// Where they go then: after a whole publication come deltas. Who has not heard all needs a whole one first.
    var next: Sort {
        let isReady = sort.share == .whole && omits == nil && publications > 0
        return isReady ? Sort(format: sort.format, share: .deltas) : sort
    }

    /// A group for one of its subscribers alone, with what the turn brought so far.
    func apart(for member: UnsafeMutableRawPointer) -> SelectiveGroup {
        var group = self
        if sort.share == .deltas {
            group = SelectiveGroup(sort: Sort(format: sort.format, share: .whole), count: 1)
            (group.batch, group.newest, group.publications) = (batch, newest, publications)
        }
        (group.count, group.omits) = (1, member)
        return group
    }

    /// Adds a publication to this turn. Returns the bytes of its frame.
    ///
    /// - Parameter previous: the publication before it, which those in ``Share/deltas`` have; `nil`: it is not known.
    mutating func add(_ prepared: PreparedPublication, after previous: Publication?, keepsNewest: Bool) -> Int {
        let frame: ByteBuffer
        switch sort.share {
        case .filtered(let filter):
            guard filter.matches(prepared.publication.metadata?.tags ?? .none) else { return 0 }
            frame = prepared.frame(sort.format)
        case .whole: frame = prepared.frame(sort.format, after: nil)
        case .deltas: frame = prepared.frame(sort.format, after: previous)
        }
        append(frame)
        publications += 1
        if keepsNewest { newest = sort.share == .deltas ? prepared.frame(sort.format, after: nil) : frame }
        return frame.readableBytes
    }

    /// The first frame is shared; writing behind it copies it then.
    mutating func append(_ frame: ByteBuffer) {
        if batch?.writeImmutableBuffer(frame) == nil { batch = frame }
    }

    /// The turn is over.
    mutating func endTurn() { (batch, newest, publications) = (nil, nil, 0) }
}
