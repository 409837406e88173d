import FanfareWire
import NIOCore

/// A subscriber of a channel that does not hear all of a turn's publications, as it is when it sent one of them.
///
/// Only turns with such a publication, on the event loop of the client that it names, have one. All others of the channel get
/// the turn's batch as ever.
struct Exclusion<Member: HubMember> {
    /// What it gets in one wire format, instead of the batch that the others share.
    struct Share {
        var batch: ByteBuffer?
        /// The last frame of it, where only the newest is kept for clients that are behind.
        var newest: ByteBuffer?
        /// Publications in it.
        var count: Int
    }

    let member: Member
    /// Those that it does not hear, by their number among the turn's publications.
    var numbers: [Int] = []
    /// For the formats of its subscriptions, but for those with leads.
    var shares = PerFormat<Share>()

    /// Adds a publication that it hears.
    mutating func add(_ prepared: PreparedPublication, keepsNewest: Bool) {
        for index in shares.indices {
            let frame = prepared.frame(shares[index].format)
            shares.update(at: index) { share in
                share.append(frame)
                share.count += 1
                if keepsNewest { share.newest = frame }
            }
        }
    }

    /// Adds a join or leave.
    mutating func add(_ prepared: PreparedPresenceEvent) {
        for index in shares.indices {
            guard let frame = prepared.frame(shares[index].format) else { continue }
            shares.update(at: index) { $0.append(frame) }
        }
    }
}

extension Exclusion.Share {
    /// The first frame is shared; writing behind it copies it then.
    fileprivate mutating func append(_ frame: ByteBuffer) {
        if batch?.writeImmutableBuffer(frame) == nil { batch = frame }
    }
}

extension ChannelSlot {
    /// Takes note of a publication, before it is added, that one client does not hear, or that comes behind one.
    func leaveOut(_ excluded: Member?, of prepared: PreparedPublication) {
        if let excluded, !exclusions.contains(where: { $0.member === excluded }) { beginExclusion(excluded) }
        for index in exclusions.indices {
            if exclusions[index].member === excluded {
                exclusions[index].numbers.append(batched - events)
            } else {
                exclusions[index].add(prepared, keepsNewest: keepsNewest)
            }
        }
    }

    /// From here on a subscriber has a batch of its own; what the turn brought before is in it.
    private func beginExclusion(_ member: Member) {
        let lists = inForce(of: member).map(\.list)
        guard !lists.isEmpty else { return }
        var exclusion = Exclusion<Member>(member: member)
        for case .shared(let list) in lists {
            let (format, subscribers) = (subscribers[list].format, subscribers[list].value)
            guard exclusion.shares.index(of: format) == nil else { continue }
            exclusion.shares.add(
                format, .init(batch: subscribers.batch, newest: subscribers.newest, count: batched - events))
        }
        exclusions.append(exclusion)
    }

    /// The subscribers of a list that don't hear all of the turn: their index there, and which exclusion it is.
    func omitted(in list: List) -> [(index: Int, exclusion: Int)] {
        exclusions.indices.flatMap { exclusion in
            inForce(of: exclusions[exclusion].member).filter { $0.list == list }.map { ($0.index, exclusion) }
        }
    }

    /// A client's subscriptions here that are in force: each its list and its index there.
    private func inForce(of member: Member) -> [(list: List, index: Int)] {
        member.membership.places.indices.compactMap { place in
            let entry = member.membership.places[place]
            guard entry.slot === self, !entry.isWaiting else { return nil }
            return list(of: member, place: place, index: Int(entry.index)).map { ($0, Int(entry.index)) }
        }
    }

    /// All subscriptions in force.
    var inForce: [(member: Member, request: UInt32)] {
        let entries = subscribers.flatMap { $0.value.entries } + (personal?.lists ?? []).flatMap { $0.entries }
        return (entries + (selective?.subscribers ?? []).map(\.entry)).map { entry in
            let member = entry.member.takeUnretainedValue()
            return (member, member.membership.places[Int(entry.place)].request)
        }
    }
}

extension HubShard {
    /// As ``pass(_:or:_:of:to:_:)`` to a list whose subscribers don't all hear all of the turn.
    func passSome(
        _ batch: ByteBuffer, or newest: ByteBuffer?, list: Int, of slot: ChannelSlot<Member>, _ direct: Bool
    ) -> Int {
        let (format, entries) = (slot.subscribers[list].format, slot.subscribers[list].value.entries)
        let omitted = slot.omitted(in: .shared(list))
        var others = entries
        for index in omitted.map(\.index).sorted(by: >) {
            others.swapAt(index, others.count - 1)
            others.removeLast()
        }
        var deliveries = pass(batch, or: newest, slot.batched - slot.events, of: slot, to: others, direct)
        for (index, exclusion) in omitted {
            guard let share = slot.exclusions[exclusion].shares[format], let batch = share.batch else { continue }
            deliveries += pass(batch, or: share.newest, share.count, of: slot, to: [entries[index]], direct)
        }
        return deliveries
    }
}

extension SubscriptionStart {
    /// Takes out what a client is not to hear. What it gets then is its own, no other shares it.
    mutating func leaveOut<Member: AnyObject>(_ member: Member, _ findClient: ((ClientID) -> Member?)?) {
        guard let findClient else { return }
        let before = publications.count
        publications.removeAll { publication in
            publication.metadata?.excludedClient.map { findClient($0) === member } ?? false
        }
        if publications.count < before { shared = nil }
    }
}
