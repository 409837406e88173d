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

    /// The member of a subscriber has this channel at another place now.
    func moved(at index: Int, to place: Int32) { subscribers[index].entry.place = place }

    /// Adds a publication to this turn. Returns the bytes of its longest frame.
    ///
    /// - Parameter excluded: a client that does not hear it.
    func add(_ prepared: PreparedPublication, excluding excluded: Member?, keepsNewest: Bool) -> Int {
        let excluded = excluded.map { Unmanaged.passUnretained($0).toOpaque() }
        if let excluded { setApart(excluded) }
        var (bytes, hasDeltas) = (0, false)
        for index in groups.indices where groups[index].count > 0 {
            hasDeltas = hasDeltas || groups[index].sort.share.hasDeltas
            if let excluded, groups[index].omits == excluded { continue }
            bytes = max(bytes, groups[index].add(prepared, after: last, keepsNewest: keepsNewest))
        }
        let isBase = hasDeltas && prepared.publication.payload.bytes.readableBytes <= FossilDelta.maximumBytes
        last = isBase ? prepared.publication : nil
        return bytes
    }

    /// Adds a join or leave to this turn. Returns the bytes of its longest frame.
    func add(_ prepared: PreparedPresenceEvent) -> Int {
        var bytes = 0
        for index in groups.indices where groups[index].count > 0 {
            guard let frame = prepared.frame(groups[index].sort.format) else { continue }
            groups[index].append(frame)
            bytes = max(bytes, frame.readableBytes)
        }
        return bytes
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

    /// A subscriber is out of its group.
    private func leave(_ number: Int32) {
        groups[Int(number)].count -= 1
        guard groups[Int(number)].count == 0 else { return }
        if groups[Int(number)].omits == nil { known[groups[Int(number)].sort] = nil }
        groups[Int(number)] = SelectiveGroup(sort: groups[Int(number)].sort, count: 0)
        free.append(number)
    }
}
