import FanfareCore
import FanfareWire

/// Who wants which channel of a Redis Cluster, and at which node it is subscribed for that: where its slot lives.
///
/// A pure state machine: what has to be done comes back as actions, to be carried out in their order.
struct ClusterStateMachine {
    enum Action: Equatable {
        case subscribe(ChannelName, receiver: Int, ticket: UInt64, at: RedisEndpoint)
        case unsubscribe(ChannelName, receiver: Int, at: RedisEndpoint)
        /// It was answered before its slot moved: no second answer.
        /// Position: what all of them have of a channel with history.
        case adopt(ChannelName, receivers: [Int], position: StreamPosition?, at: RedisEndpoint)
        /// Nobody owns its slot.
        case refuse(ChannelName, receiver: Int, ticket: UInt64)
    }

    private struct Wish {
        let receiver: Int
        let ticket: UInt64
        var isAnswered = false
        /// What the receiver has of a channel with history.
        var position: StreamPosition?
    }

    private struct Slot {
        var home: RedisEndpoint?
        var channels: [ChannelName: [Wish]] = [:]
    }

    /// Who owns what, as far as is known.
    private(set) var map = ClusterMap()
    /// Only slots with channels.
    private var slots: [Int: Slot] = [:]
    /// Slots that a node told to have moved since the map was read: told again before the next map, two nodes disagree.
    private var moved: Set<Int> = []

    /// The slot of a channel: its name is the hash tag.
    static func slot(of channel: ChannelName) -> Int { HashSlot.slot(of: channel.string.utf8) }

    /// Where a channel lives now.
    func home(of channel: ChannelName) -> RedisEndpoint? { map[Self.slot(of: channel)] }

    mutating func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) -> Action {
        let number = Self.slot(of: channel)
        guard let home = map[number] else { return .refuse(channel, receiver: receiver, ticket: ticket) }
        var slot = slots[number] ?? Slot(home: home)
        slot.channels[channel, default: []].removeAll { $0.receiver == receiver }
        slot.channels[channel, default: []].append(Wish(receiver: receiver, ticket: ticket))
        slots[number] = slot
        return .subscribe(channel, receiver: receiver, ticket: ticket, at: home)
    }

    mutating func unsubscribe(_ channel: ChannelName, receiver: Int) -> Action? {
        let number = Self.slot(of: channel)
        guard forget(channel, in: number, where: { $0.receiver == receiver }) else { return nil }
        return map[number].map { .unsubscribe(channel, receiver: receiver, at: $0) }
    }

    /// A node answered a subscription. Returns whether the receiver still waits for that.
    mutating func answered(
        _ channel: ChannelName, receiver: Int, ticket: UInt64, position: StreamPosition?, by node: RedisEndpoint
    ) -> Bool {
        let number = Self.slot(of: channel)
        guard slots[number]?.home == node,
            let index = slots[number]?.channels[channel]?
                .firstIndex(where: { $0.receiver == receiver && $0.ticket == ticket && !$0.isAnswered })
        else { return false }
        slots[number]?.channels[channel]?[index].isAnswered = true
        slots[number]?.channels[channel]?[index].position = position
        return true
    }

    /// A node brought a publication of a channel with history, or the place where the channel goes on. Returns whether it
    /// is for the receiver: after a move the new node brings again what one of several receivers may lack.
    mutating func brought(
        _ channel: ChannelName, receiver: Int, _ place: StreamPosition, goesOn: Bool, by node: RedisEndpoint
    ) -> Bool {
        let number = Self.slot(of: channel)
        guard slots[number]?.home == node,
            let index = slots[number]?.channels[channel]?.firstIndex(where: { $0.receiver == receiver })
        else { return false }
        if !goesOn, let before = slots[number]?.channels[channel]?[index].position, before.epoch == place.epoch,
            place.offset <= before.offset
        {
            return false
        }
        slots[number]?.channels[channel]?[index].position = place
        return true
    }

    /// A node refused a subscription. Returns whether the receiver still waits for an answer.
    mutating func refused(_ channel: ChannelName, receiver: Int, ticket: UInt64, by node: RedisEndpoint) -> Bool {
        let number = Self.slot(of: channel)
        guard slots[number]?.home == node else { return false }
        return forget(channel, in: number) { $0.receiver == receiver && $0.ticket == ticket && !$0.isAnswered }
    }

    /// Takes a whole map: what lives elsewhere now moves there.
    mutating func take(_ map: ClusterMap) -> [Action] {
        self.map = map
        moved = []
        return Array(slots.keys).flatMap { move($0) }
    }

    /// A node told where a slot went; `nil`: that can't be believed before the whole map is read again.
    mutating func move(_ number: Int, to owner: RedisEndpoint) -> [Action]? {
        guard moved.insert(number).inserted else { return nil }
        guard map.move(number, to: owner) else { return [] }
        return move(number)
    }

    private mutating func move(_ number: Int) -> [Action] {
        let home = map[number]
        guard let slot = slots[number], slot.home != home else { return [] }
        var actions: [Action] = []
        for (channel, wishes) in slot.channels {
            for wish in wishes {
                let receiver = wish.receiver
                if let old = slot.home { actions.append(.unsubscribe(channel, receiver: receiver, at: old)) }
                guard !wish.isAnswered else { continue }
                let ticket = wish.ticket
                actions.append(
                    home.map { .subscribe(channel, receiver: receiver, ticket: ticket, at: $0) }
                        ?? .refuse(channel, receiver: receiver, ticket: ticket))
            }
            let answered = wishes.filter(\.isAnswered)
            guard let home, !answered.isEmpty else { continue }
            let position = answered.compactMap(\.position).min { $0.offset < $1.offset }
            actions.append(.adopt(channel, receivers: answered.map(\.receiver), position: position, at: home))
        }
        slots[number]?.home = home
        if home == nil {
            for channel in slot.channels.keys { _ = forget(channel, in: number) { !$0.isAnswered } }
        }
        return actions
    }

    /// Forgets wishes. Returns whether there were any.
    private mutating func forget(_ channel: ChannelName, in number: Int, where isOver: (Wish) -> Bool) -> Bool {
        guard var wishes = slots[number]?.channels[channel] else { return false }
        let before = wishes.count
        wishes.removeAll(where: isOver)
        slots[number]?.channels[channel] = wishes.isEmpty ? nil : wishes
        if slots[number]?.channels.isEmpty == true { slots[number] = nil }
        return wishes.count != before
    }
}
