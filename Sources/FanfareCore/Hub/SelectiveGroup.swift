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
    /// Publications, joins and leaves in it.
    var frames = 0

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
            (group.batch, group.newest, group.publications, group.frames) = (batch, newest, publications, frames)
        }
        (group.count, group.omits) = (1, member)
        return group
    }

    /// What an addition to a turn came to, in bytes.
    struct Cost {
        /// The longest frame.
        var frame = 0
        /// Memory of frames that were copied behind others.
        var copied = 0
        /// Filters evaluated and deltas made, as ``TurnBudget`` counts them.
        var work = 0
        /// For the operator.
        var tally = Tally()

        mutating func add(_ other: Cost) {
            frame = max(frame, other.frame)
            copied += other.copied
            work += other.work
            tally.add(other.tally)
        }
    }

    /// What filters and deltas spared, over all subscribers.
    struct Tally: Equatable {
        /// Publications that filters left out.
        var filtered = 0
        /// Bytes of the data of publications that went out as what changed.
        var deltaInput = 0
        /// Bytes of the frames that brought them.
        var deltaOutput = 0

        mutating func add(_ other: Tally) {
            filtered &+= other.filtered
            deltaInput &+= other.deltaInput
            deltaOutput &+= other.deltaOutput
        }
    }

    /// Adds a publication to this turn.
    ///
    /// - Parameter previous: the publication before it, which those in ``Share/deltas`` have; `nil`: it is not known.
    mutating func add(_ prepared: PreparedPublication, after previous: Publication?, keepsNewest: Bool) -> Cost {
        let frame: ByteBuffer
        var (work, tally) = (0, Tally())
        switch sort.share {
        case .filtered(let filter):
            let tags = prepared.publication.metadata?.tags ?? .none
            work = TurnBudget.filterBytes(filter, tags)
            guard filter.matches(tags) else { return Cost(work: work, tally: Tally(filtered: count)) }
            frame = prepared.frame(sort.format)
        case .whole: frame = prepared.frame(sort.format, after: nil)
        case .deltas:
            // Whichever event loop is first makes it, and the others wait for it meanwhile.
            if let previous { work = TurnBudget.deltaBytes(previous, prepared.publication) }
            frame = prepared.frame(sort.format, after: previous)
            if previous != nil {
                tally.deltaInput = count &* prepared.publication.payload.bytes.readableBytes
                tally.deltaOutput = count &* frame.readableBytes
            }
        }
        let copied = append(frame)
        publications += 1
        if keepsNewest { newest = sort.share == .deltas ? prepared.frame(sort.format, after: nil) : frame }
        return Cost(frame: frame.readableBytes, copied: copied, work: work, tally: tally)
    }

    /// The first frame is shared; writing behind it copies it then. Returns the bytes copied.
    mutating func append(_ frame: ByteBuffer) -> Int {
        let copied = bytesToCopy(frame.readableBytes)
        if batch?.writeImmutableBuffer(frame) == nil { batch = frame }
        frames += 1
        return copied
    }

    /// What it takes to have a frame of so many bytes, too.
    func bytesToCopy(_ bytes: Int) -> Int {
        switch frames {
        case 0: 0
        case 1: (batch?.readableBytes ?? 0) + bytes
        default: bytes
        }
    }

    /// The turn is over.
    mutating func endTurn() { (batch, newest, publications, frames) = (nil, nil, 0, 0) }
}
