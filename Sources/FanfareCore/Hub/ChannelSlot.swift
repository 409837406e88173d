import FanfareWire
import NIOCore

/// One channel on one event loop: its subscribers in contiguous arrays, one for each wire format that one of them uses, and
/// what this turn brought for them.
final class ChannelSlot<Member: HubMember> {
    /// A subscriber and the index of its subscription in its ``HubMembership``, so that both sides can be updated in O(1).
    struct Entry {
        // A member leaves the hub before it ends (its connection's one exit calls `HubShard.leave`), so the reference
        // can't dangle; unmanaged, because a retain and a release per delivery are two locked instructions.
        let member: Unmanaged<Member>
        var place: Int32
        /// The member's lane; never changes.
        let lane: Int32
    }

    /// The subscribers of one wire format.
    struct Subscribers {
        /// Never empty.
        var entries: [Entry] = []
        /// This turn's frames. One publication shares its prepared frame, more are concatenated.
        var batch: ByteBuffer?
        /// This turn's last frame, where only the newest is kept for clients that are behind.
        var newest: ByteBuffer?
    }

    /// Someone who waits for the broker's answer.
    struct Waiter {
        let member: Member
        let request: UInt32
        let wish: RecoveryRequest
        /// Tells it from others of the same name, earlier ones of a client that asked again among them; negative.
        let number: Int32
        let format: WireFormat
        /// Its own lead, where its format has one.
        let lead: Lead?
        let selection: Selection?
        /// For whom, where the format is one that clients make, and has leads.
        let maker: FormatMaker?
    }

    /// A list of subscribers, by its place among those of its sort.
    enum List: Equatable {
        case shared(Int)
        case personal(Int)
        /// There is one.
        case selective
    }

    let channel: ChannelName
    /// Names the subscription in the broker, so that an answer to an earlier one is told apart.
    let ticket: UInt64
    /// Whether the broker confirmed.
    var isActive = false
    /// May hold members that left meanwhile; ``waiting`` counts those that did not.
    var waiters: [Waiter] = []
    var waiting = 0
    /// Whether only the newest publication is kept for clients that are behind.
    let keepsNewest: Bool
    var subscribers = PerFormat<Subscribers>()
    /// Those with leads of their own; `nil`: there are none.
    var personal: PersonalSubscribers<Member>?
    /// Those with a selection; `nil`: there are none.
    var selective: SelectiveSubscribers<Member>?
    /// Subscriptions beyond the first of a client, in force or not: while there are any, a client may be in several lists.
    var repeated = 0
    /// Subscribers that don't hear all of this turn's publications; nearly always none.
    var exclusions: [Exclusion<Member>] = []
    /// Publications, joins and leaves in the batches.
    var batched = 0
    /// Bytes of the biggest of the batches, or somewhat more.
    var batchBytes = 0
    /// What filters and deltas cost since it was last asked for, as ``TurnBudget`` counts bytes.
    var work = 0
    /// Whether publications among them come out of the stream, after a gap.
    var isRepaired = false
    /// Joins and leaves among them.
    var events = 0
    /// What this loop has passed on; `nil` in a channel without history.
    var position: StreamPosition?
    /// Clients that get something from the history first.
    var recoveries: PendingRecoveries<Member>?

    init(channel: ChannelName, ticket: UInt64, keepsNewest: Bool) {
        self.channel = channel
        self.ticket = ticket
        self.keepsNewest = keepsNewest
    }

    /// Subscribers in force.
    var count: Int {
        let special = (personal?.count ?? 0) + (selective?.subscribers.count ?? 0)
        return subscribers.reduce(special) { $0 + $1.value.entries.count }
    }

    /// Whether nobody is or waits to be in it.
    var isUnused: Bool { waiting == 0 && subscribers.isEmpty && personal == nil && selective == nil }

    /// Adds a subscriber. Returns its index in its list.
    func add(
        _ entry: Entry, _ format: WireFormat, lead: Lead?, _ selection: Selection?, maker: FormatMaker? = nil
    ) -> Int32 {
        if let selection {
            let selective = selective ?? SelectiveSubscribers()
            self.selective = selective
            return selective.add(entry, format, selection)
        }
        if let lead {
            let personal = personal ?? PersonalSubscribers()
            self.personal = personal
            return personal.add(entry, format, lead: lead, maker: maker)
        }
        let list = subscribers.index(of: format) ?? subscribers.add(format, Subscribers())
        return subscribers.update(at: list) { subscribers in
            subscribers.entries.append(entry)
            return Int32(subscribers.entries.count - 1)
        }
    }

    /// The list of a subscriber. Nearly always that of its client's format; places don't say it, for that would make all of them
    /// bigger.
    func list(of member: Member, place: Int, index: Int) -> List? {
        let wanted = Unmanaged.passUnretained(member).toOpaque()
        func holds(_ entry: Entry) -> Bool { entry.place == place && entry.member.toOpaque() == wanted }
        func holds(_ entries: [Entry]) -> Bool { index < entries.count && holds(entries[index]) }
        if let usual = subscribers.index(of: member.wireFormat), holds(subscribers[usual].value.entries) {
            return .shared(usual)
        }
        if let list = subscribers.firstIndex(where: { holds($0.value.entries) }) { return .shared(list) }
        if let list = personal?.lists.firstIndex(where: { holds($0.entries) }) { return .personal(list) }
        guard let others = selective?.subscribers, index < others.count else { return nil }
        return holds(others[index].entry) ? .selective : nil
    }

    /// Removes a subscriber. Returns the one that takes its index. What this turn brought for a list goes with its last
    /// subscriber.
    func remove(at index: Int, _ list: List) -> Entry? {
        guard case .shared(let list) = list else { return removeSpecial(at: index, list) }
        let (moved, isEmpty) = subscribers.update(at: list) { subscribers -> (Entry?, Bool) in
            let last = subscribers.entries.removeLast()
            guard index < subscribers.entries.count else { return (nil, subscribers.entries.isEmpty) }
            subscribers.entries[index] = last
            return (last, false)
        }
        if isEmpty { subscribers.remove(at: list) }
        return moved
    }

    private func removeSpecial(at index: Int, _ list: List) -> Entry? {
        guard case .personal(let list) = list else {
            let moved = selective?.remove(at: index)
            if selective?.subscribers.isEmpty == true { selective = nil }
            return moved
        }
        let moved = personal?.remove(at: index, list: list)
        if personal?.lists.isEmpty == true { personal = nil }
        return moved
    }

    /// The member of a subscriber has this subscription at another place now.
    func moved(at index: Int, _ list: List, to place: Int32) {
        switch list {
        case .shared(let list): subscribers.update(at: list) { $0.entries[index].place = place }
        case .personal(let list): personal?.moved(at: index, list: list, to: place)
        case .selective: selective?.moved(at: index, to: place)
        }
    }

    /// Whether the channel may have a subscription's format, where clients make it.
    func hasRoom(forFormatOf waiter: Waiter) -> Bool {
        guard let maker = waiter.maker, let personal else { return true }
        return personal.hasRoom(for: waiter.format, by: maker)
    }

    /// Whether a subscription's filter is one of at most so many of the channel's.
    func hasRoom(for waiter: Waiter, maxFilters: Int) -> Bool {
        guard case .filtered(let filter) = waiter.selection, let selective else { return true }
        return selective.hasRoom(for: filter, waiter.format, maximum: maxFilters)
    }

    /// Whether a publication is the next of the channel's stream.
    func isNext(_ publication: Publication, _ place: StreamPosition) -> Bool {
        guard let position else { return true }
        guard place.epoch == position.epoch, place.offset > position.offset else { return false }
        return place.offset - position.offset == 1 || publication.follows == position.offset
    }

    /// Adds a publication to this turn's batches of the formats that have subscribers. Returns by how many bytes the biggest
    /// of them grew, and those of subscribers with a selection together.
    ///
    /// - Parameters:
    ///   - excluded: a client that does not hear it; of ``exclusions`` note was taken before.
    ///   - spare: a buffer whose room may be used for a batch.
    func add(_ prepared: PreparedPublication, excluding excluded: Member? = nil, spare: inout ByteBuffer) -> Int {
        var (bytes, copied) = (0, 0)
        if prepared.isRepaired { isRepaired = true }
        for index in subscribers.indices {
            let frame = prepared.frame(subscribers[index].format)
            subscribers.update(at: index) { subscribers in
                if keepsNewest { subscribers.newest = frame }
                switch subscribers.batch {
                case nil:
                    subscribers.batch = frame
                case .some(let first) where batched == 1:
                    // The first frame is shared with the other event loops: the batch gets a buffer of its own.
                    var batch = spare
                    spare = ByteBuffer()
                    batch.clear(minimumCapacity: first.readableBytes + frame.readableBytes)
                    batch.writeImmutableBuffer(first)
                    batch.writeImmutableBuffer(frame)
                    subscribers.batch = batch
                default:
                    subscribers.batch?.writeImmutableBuffer(frame)
                }
            }
            bytes = max(bytes, frame.readableBytes)
        }
        if let personal {
            let cost = personal.add(prepared)
            bytes = max(bytes, cost.frame)
            work += cost.work
        }
        if let selective {
            let cost = selective.add(prepared, excluding: excluded, keepsNewest: keepsNewest)
            bytes = max(bytes, cost.frame)
            copied = cost.copied
            work += cost.work
        }
        batched += 1
        batchBytes += bytes
        return bytes + copied
    }

    /// The turn is over.
    func endTurn() {
        personal?.endTurn()
        selective?.endTurn()
        if !exclusions.isEmpty { exclusions = [] }
        batched = 0
        batchBytes = 0
        isRepaired = false
        events = 0
        guard keepsNewest else { return }
        for index in subscribers.indices { subscribers.update(at: index) { $0.newest = nil } }
    }
}
