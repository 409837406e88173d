import FanfareWire
import NIOCore

/// The subscribers of one channel on one event loop that have a ``Selection``. A channel without any has none of this.
///
/// All stand in one list, each with the number of its group, so that coming, going and changing groups cost O(1) whatever the
/// number of filters. A publication is held against a filter once for its group, and a delta is made once for the node.
final class SelectiveSubscribers<Member: HubMember> {
    typealias Entry = ChannelSlot<Member>.Entry

    struct Subscriber {
        var entry: Entry
        /// Index in ``groups``.
        var group: Int32
    }

    private(set) var subscribers: [Subscriber] = []
    private(set) var groups: [SelectiveGroup] = []
    private var known: [SelectiveGroup.Sort: Int32] = [:]
    /// Numbers of groups without subscribers.
    private var free: [Int32] = []
    /// The channel's last publication, of which deltas are made; `nil`: nobody has deltas, or it is too big.
    private var last: Publication?
    /// Different filters, counted for each format.
    private(set) var filters = 0
    /// What was spared since the last ``takeTally()``.
    private var tally = SelectiveGroup.Tally()

    /// Adds a subscriber. Returns its index.
    func add(_ entry: Entry, _ format: WireFormat, _ selection: Selection) -> Int32 {
        let group = join(SelectiveGroup.Sort(format: format, share: .init(selection)))
        subscribers.append(Subscriber(entry: entry, group: group))
        return Int32(subscribers.count - 1)
    }

    /// Removes a subscriber. Returns the one that takes its index.
    func remove(at index: Int) -> Entry? {
        leave(subscribers[index].group)
        let last = subscribers.removeLast()
        guard index < subscribers.count else { return nil }
        subscribers[index] = last
        return last.entry
    }

    /// Whether a subscriber has deltas, now or soon; else it has a filter.
    func hasDeltas(at index: Int) -> Bool { groups[Int(subscribers[index].group)].sort.share.hasDeltas }

    /// What was spared since the last time.
    func takeTally() -> SelectiveGroup.Tally {
        defer { tally = SelectiveGroup.Tally() }
        return tally
    }

    /// The member of a subscriber has this channel at another place now.
    func moved(at index: Int, to place: Int32) { subscribers[index].entry.place = place }

    /// Whether a filter is one of the channel's, or there are less than so many.
    func hasRoom(for filter: TagFilter, _ format: WireFormat, maximum: Int) -> Bool {
        filters < maximum || known[SelectiveGroup.Sort(format: format, share: .filtered(filter))] != nil
    }

    /// What adding a frame of so many bytes copies at most: each group has a batch of its own from the second on.
    func bytesToCopy(_ bytes: Int) -> Int { groups.reduce(0) { $0 + $1.bytesToCopy(bytes) } }

    /// Adds a publication to this turn.
    ///
    /// - Parameter excluded: a client that does not hear it.
    func add(_ prepared: PreparedPublication, excluding excluded: Member?, keepsNewest: Bool) -> SelectiveGroup.Cost {
        let excluded = excluded.map { Unmanaged.passUnretained($0).toOpaque() }
        if let excluded { setApart(excluded) }
        var (cost, hasDeltas) = (SelectiveGroup.Cost(), false)
        for index in groups.indices where groups[index].count > 0 {
            hasDeltas = hasDeltas || groups[index].sort.share.hasDeltas
            if let excluded, groups[index].omits == excluded { continue }
            cost.add(groups[index].add(prepared, after: last, keepsNewest: keepsNewest))
        }
        let isBase = hasDeltas && prepared.publication.payload.bytes.readableBytes <= FossilDelta.maximumBytes
        last = isBase ? prepared.publication : nil
        tally.add(cost.tally)
        return cost
    }

    /// Adds a join or leave to this turn.
    func add(_ prepared: PreparedPresenceEvent) -> SelectiveGroup.Cost {
        var cost = SelectiveGroup.Cost()
        for index in groups.indices where groups[index].count > 0 {
            guard let frame = prepared.frame(groups[index].sort.format) else { continue }
            cost.add(.init(frame: frame.readableBytes, copied: groups[index].append(frame)))
        }
        return cost
    }

    /// The turn is over.
    func endTurn() {
        if groups.contains(where: \.isOver) {
            for index in subscribers.indices {
                let number = subscribers[index].group
                let group = groups[Int(number)]
                guard group.isOver else { continue }
                subscribers[index].group = join(group.next)
                leave(number)
            }
        }
        for index in groups.indices { groups[index].endTurn() }
    }

    /// Gives each subscription of a client a group of its own.
    private func setApart(_ member: UnsafeMutableRawPointer) {
        for index in subscribers.indices where subscribers[index].entry.member.toOpaque() == member {
            let number = subscribers[index].group
            guard groups[Int(number)].omits == nil else { continue }
            subscribers[index].group = place(groups[Int(number)].apart(for: member))
            leave(number)
        }
    }

    private func join(_ sort: SelectiveGroup.Sort) -> Int32 {
        if let number = known[sort] {
            groups[Int(number)].count += 1
            return number
        }
        let number = place(SelectiveGroup(sort: sort, count: 1))
        known[sort] = number
        if !sort.share.hasDeltas { filters += 1 }
        return number
    }

    private func place(_ group: SelectiveGroup) -> Int32 {
        if let number = free.popLast() {
            groups[Int(number)] = group
            return number
        }
        groups.append(group)
        return Int32(groups.count - 1)
    }

    /// A subscriber is out of its group. Nothing of a filter is left with its last one.
    private func leave(_ number: Int32) {
        groups[Int(number)].count -= 1
        guard groups[Int(number)].count == 0 else { return }
        let sort = groups[Int(number)].sort
        if groups[Int(number)].omits == nil {
            known[sort] = nil
            if !sort.share.hasDeltas { filters -= 1 }
        }
        groups[Int(number)] = SelectiveGroup(sort: .init(format: sort.format, share: .whole), count: 0)
        free.append(number)
        guard groups.last?.count == 0 else { return }
        while groups.last?.count == 0 { groups.removeLast() }
        free.removeAll { $0 >= groups.count }
    }
}
