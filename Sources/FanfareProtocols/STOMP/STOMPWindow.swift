import FanfareCore
import FanfareWire
import NIOCore

/// What a subscription with `ack:client` or `ack:client-individual` was sent and has not acknowledged, and what it is to get later.
///
/// At its bound nothing more is sent. In a channel with a stream its place there is kept, and what it did not get is read when it has
/// acknowledged enough; elsewhere nobody keeps that, and the client ends. A pure state machine: who sends and reads is the session.
struct STOMPWindow: Sendable {
    /// A message that waits for its ACK.
    struct Delivery: Sendable {
        /// In the order in which they were sent: what ``STOMPAckID`` says of it.
        let number: UInt64
        /// In memory of its own, so that lists of them are short.
        let publication: Boxed<Publication>
        /// How often it was sent again.
        var repetitions = 0
        /// When it was sent last, in periods of ``STOMPSession/ackPeriods``.
        var period: Int

        /// What it takes of the client's budget.
        var bytes: Int { publication.value.windowBytes }
    }

    /// Whether an ACK is for all before it, too.
    let isCumulative: Bool
    /// Messages that may wait.
    let limit: Int
    /// Oldest first.
    private(set) var waiting: [Delivery] = []
    private(set) var lastNumber: UInt64 = 0
    /// The last publication of the channel's stream that it was sent; `nil`: none yet.
    private(set) var place: StreamPosition?
    /// The newest that it was not sent.
    private var newest: StreamPosition?
    /// Whether the stream is being read for it.
    private(set) var isReading = false
    /// Whether something came that it had no room for and nobody keeps.
    private(set) var isOverrun = false

    init(isCumulative: Bool, limit: Int) { (self.isCumulative, self.limit) = (isCumulative, limit) }

    /// Whether it is to get something later.
    var isBehind: Bool { newest != nil }

    /// Messages that it may be sent now.
    var room: Int { max(0, limit - waiting.count) }

    /// Whether what it did not get is worth reading: not for each single ACK.
    var wantsMore: Bool { isBehind && !isReading && place != nil && (waiting.isEmpty || room > limit / 2) }

    /// A publication comes.
    ///
    /// - Parameters:
    ///   - budget: bytes that the client may have waiting beside what waits. The last message may be bigger.
    ///   - period: now.
    /// - Returns: its number; `nil`: it is not sent now.
    mutating func take(_ publication: Publication, _ budget: inout Int, period: Int) -> UInt64? {
        guard !isOverrun else { return nil }
        let hasRoom = room > 0 && budget > 0
        if let position = publication.position {
            // It came with what was read.
            if let place, place.epoch == position.epoch, position.offset <= place.offset { return nil }
            guard !isBehind, hasRoom else {
                // The one before it, which need not be the number before.
                place =
                    place
                    ?? StreamPosition(
                        offset: publication.follows ?? (position.offset &- 1), epoch: position.epoch)
                newest = position
                return nil
            }
            place = position
        } else if !hasRoom {
            // In a channel with a stream what has no place there comes at most once; elsewhere nothing has one.
            isOverrun = place == nil
            return nil
        }
        lastNumber += 1
        let delivery = Delivery(number: lastNumber, publication: Boxed(publication), period: period)
        budget -= delivery.bytes
        waiting.append(delivery)
        return lastNumber
    }

    /// Begins to read on.
    ///
    /// - Returns: after which place; `nil`: there is nothing to read.
    mutating func beginReading() -> StreamPosition? {
        guard wantsMore else { return nil }
        isReading = true
        return place
    }

    /// A part of the stream was read.
    ///
    /// - Returns: what is sent of it, with the numbers; `nil`: what followed is lost.
    mutating func read(_ page: HistoryPage, _ budget: inout Int, period: Int) -> [(UInt64, Publication)]? {
        isReading = false
        guard let place, let newest else { return [] }
        guard page.position.epoch == newest.epoch, let publications = page.publications(after: place) else {
            return nil
        }
        // What came while it was read may be behind the page.
        let end = newest.offset > page.position.offset ? newest : page.position
        self.newest = nil
        var taken: [(UInt64, Publication)] = []
        for publication in publications {
            guard let number = take(publication, &budget, period: period) else { break }
            taken.append((number, publication))
        }
        if let last = self.place, last.offset < end.offset { self.newest = end }
        return taken
    }

    /// A message is acknowledged, where that waits for it, or all up to it.
    ///
    /// - Returns: the bytes that it took.
    mutating func acknowledge(_ number: UInt64) -> Int {
        let range = range(number)
        let bytes = waiting[range].reduce(0) { $0 + $1.bytes }
        waiting.removeSubrange(range)
        return bytes
    }

    /// A message was not consumed, or none up to it.
    ///
    mutating func reject(_ number: UInt64, period: Int) -> Repetition { repeated(range(number), period) { _ in true } }

    /// Messages that were sent so many periods ago and more are sent again, not all at a time.
    mutating func expire(period: Int, after periods: Int) -> Repetition {
        // Those that were sent again are not in order of time.
        guard let first = waiting.firstIndex(where: { period - $0.period >= periods }) else { return Repetition() }
        return repeated(first..<waiting.count, period, most: STOMPBounds.repeatedAtOnce) {
            period - $0.period >= periods
        }
    }

    /// What is sent again.
    struct Repetition: Sendable {
        var again: [Delivery] = []
        /// Bytes of those that are given up.
        var bytes = 0
    }

    private mutating func repeated(
        _ range: Range<Int>, _ period: Int, most: Int = .max, where isMeant: (Delivery) -> Bool
    ) -> Repetition {
        var (result, kept) = (Repetition(), [Delivery]())
        for var delivery in waiting[range] {
            if isMeant(delivery), result.again.count < most {
                guard delivery.repetitions < STOMPBounds.repetitions else {
                    result.bytes += delivery.bytes
                    continue
                }
                delivery.repetitions += 1
                delivery.period = period
                result.again.append(delivery)
            }
            kept.append(delivery)
        }
        waiting.replaceSubrange(range, with: kept)
        return result
    }

    /// Where that message waits, with all before it where an ACK is for them, too.
    private func range(_ number: UInt64) -> Range<Int> {
        var (start, end) = (0, waiting.count)
        while start < end {
            let middle = (start + end) / 2
            if waiting[middle].number < number { start = middle + 1 } else { end = middle }
        }
        let isThere = start < waiting.count && waiting[start].number == number
        let after = isThere ? start + 1 : start
        return isCumulative ? 0..<after : start..<after
    }
}

extension Publication {
    /// What it takes of a client's budget while it waits for an ACK.
    var windowBytes: Int {
        size + STOMPBounds.deliveryBytes
    }
}

/// Names a message to its client: `<subscription>-<number>`, both the node's own. It is the header `ack` since 1.2, and before it `message-id`.
struct STOMPAckID: Sendable, Equatable, CustomStringConvertible {
    let subscription: UInt32
    let number: UInt64

    init(subscription: UInt32, number: UInt64) { (self.subscription, self.number) = (subscription, number) }

    init?(_ text: ExactText) {
        let parts = text.string.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let subscription = UInt32(parts[0]), let number = UInt64(parts[1]) else { return nil }
        self.init(subscription: subscription, number: number)
        // One message has one name.
        guard ExactText(description) == text else { return nil }
    }

    var description: String { "\(subscription)-\(number)" }
}
