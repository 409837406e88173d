import FanfareCore
import FanfareWire

/// What this node heard of one channel with history: lets publications through in their order, each once, and finds out
/// what is missing. A pure state machine.
struct StreamTracker {
    /// What becomes of a publication that Pub/Sub brought.
    enum Verdict: Equatable {
        /// It is the next.
        case deliver
        /// It came before.
        case drop
        /// It waits for a read that is under way.
        case hold
        /// It waits, and the stream has to be read.
        case gap
    }

    /// What a read of the stream brought to light.
    struct Outcome {
        /// The next publications in order.
        var publications: [Publication] = []
        /// How many of them Pub/Sub had not brought.
        var repaired = 0
        /// Where the channel goes on after a gap that can't be filled.
        var insufficient: StreamPosition?
        /// Whether the stream has to be read again.
        var readsOn = false
    }

    /// What is behind this node; `nil` before the first read.
    private(set) var position: StreamPosition?
    /// The read that counts; 0: none is under way.
    private(set) var read: UInt64 = 0
    /// Whether a publication came since it was last asked.
    var isHeard = false
    private var held: [Publication] = []
    private var heldBytes = 0
    private var hasOverflowed = false

    /// - Parameter position: what is behind this node already.
    init(position: StreamPosition? = nil) { self.position = position }

    /// A read is under way, or will be soon: from here on publications wait for it.
    mutating func reads(_ number: UInt64 = .max) { read = number }

    /// The link is gone: what it brought last is in the stream, and the answer of a read under way counts no more.
    mutating func linkIsLost() {
        read = 0
        empty()
    }

    /// What to ask the stream.
    var query: HistoryQuery {
        position.map { HistoryQuery(since: $0, limit: RedisBounds.repairEntries) } ?? .position
    }

    /// A publication from Pub/Sub.
    mutating func take(_ publication: Publication, at place: StreamPosition) -> Verdict {
        isHeard = true
        guard read == 0, let position else {
            hold(publication)
            return .hold
        }
        if place.epoch == position.epoch {
            if place.offset <= position.offset { return .drop }
            // No sum: what Redis says may be the end of the range.
            if place.offset - position.offset == 1 {
                self.position = place
                return .deliver
            }
        }
        hold(publication)
        return .gap
    }

    /// The answer to the read that counts.
    mutating func take(_ page: HistoryPage) -> Outcome {
        var outcome = Outcome()
        if let position {
            // Nothing was published yet, under whichever epoch it will be: the first publication shows that.
            if position.offset > 0 || page.position.offset > 0 { take(page, after: position, into: &outcome) }
        } else {
            position = page.position
        }
        read = 0
        if hasOverflowed { outcome.readsOn = true }
        release(into: &outcome)
        return outcome
    }

    private mutating func take(_ page: HistoryPage, after position: StreamPosition, into outcome: inout Outcome) {
        guard let missing = page.publications(after: position) else {
            outcome.insufficient = page.position
            self.position = page.position
            return
        }
        outcome.publications = Self.marked(missing, after: position.offset)
        let brought = held.first?.position?.offset ?? .max
        outcome.repaired = missing.count { ($0.position?.offset ?? 0) < brought }
        // A page that is cut has something new: every read gets on, or is the last.
        outcome.readsOn = page.isCut
        self.position = page.isCut ? missing.last?.position ?? position : page.position
    }

    /// What waited and comes next now.
    private mutating func release(into outcome: inout Outcome) {
        let waiting = held
        let hadOverflowed = hasOverflowed
        empty()
        // With publications missing before them they are read from the stream, too.
        guard !hadOverflowed, !outcome.readsOn, var position else { return }
        for publication in waiting {
            guard let place = publication.position else { continue }
            let isSame = place.epoch == position.epoch
            if isSame, place.offset <= position.offset { continue }
            guard isSame, place.offset - position.offset == 1 else {
                // It is beyond another gap, or of another life of the stream: the next read tells.
                outcome.readsOn = true
                break
            }
            position = place
            outcome.publications.append(publication)
        }
        self.position = position
    }

    /// Publications that follow a leap are marked, so that who gets them one by one need not know the leaps.
    private static func marked(_ publications: [Publication], after offset: UInt64) -> [Publication] {
        var (last, marked) = (offset, publications)
        for index in marked.indices {
            guard let offset = marked[index].position?.offset else { continue }
            if offset - last != 1 { marked[index].follows = last }
            last = offset
        }
        return marked
    }

    private mutating func hold(_ publication: Publication) {
        let bytes = publication.payload.bytes.readableBytes + 256
        guard !hasOverflowed, heldBytes + bytes <= RedisBounds.heldBytes else {
            empty()
            hasOverflowed = true
            return
        }
        held.append(publication)
        heldBytes += bytes
    }

    private mutating func empty() {
        held = []
        heldBytes = 0
        hasOverflowed = false
    }
}
