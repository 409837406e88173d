import FanfareWire
import NIOCore

/// One channel on one event loop: its subscribers in contiguous arrays, and what this tick brought for them.
@usableFromInline
final class ChannelSlot<Member: HubMember> {
    /// A subscriber and the index of this channel in its ``HubMembership``, so that both sides can be updated in O(1).
    @usableFromInline
    struct Entry {
        // A member leaves the hub before it ends (its connection's one exit calls `HubShard.leave`), so the reference
        // can't dangle; unmanaged, because a retain and a release per delivery are two locked instructions.
        @usableFromInline let member: Unmanaged<Member>
        @usableFromInline var place: Int32

        @usableFromInline
        init(member: Unmanaged<Member>, place: Int32) {
            self.member = member
            self.place = place
        }
    }

    /// Someone who waits for the broker's answer.
    struct Waiter {
        let member: Member
        let request: UInt32
    }

    @usableFromInline let channel: ChannelName
    /// Names the subscription in the broker, so that an answer to an earlier one is told apart.
    let ticket: UInt64
    /// Whether the broker confirmed.
    var isActive = false
    /// May hold members that left meanwhile; ``waiting`` counts those that did not.
    var waiters: [Waiter] = []
    var waiting = 0
    /// Subscribers by wire format.
    @usableFromInline var lists: [[Entry]]
    /// This tick's frames by wire format. One publication shares its prepared frame, more are concatenated.
    @usableFromInline var batches: [ByteBuffer?]
    /// Publications in the batches.
    @usableFromInline var batched = 0

    init(channel: ChannelName, ticket: UInt64) {
        self.channel = channel
        self.ticket = ticket
        lists = Array(repeating: [], count: WireFormat.allCases.count)
        batches = Array(repeating: nil, count: WireFormat.allCases.count)
    }

    /// Subscribers in force.
    @usableFromInline var count: Int { lists.reduce(0) { $0 + $1.count } }

    /// Whether nobody is or waits to be in it.
    var isUnused: Bool { waiting == 0 && lists.allSatisfy(\.isEmpty) }

    /// Adds a publication to this tick's batches of the formats that have subscribers. Returns the bytes of the biggest.
    func add(_ prepared: PreparedPublication) -> Int {
        var bytes = 0
        for format in WireFormat.allCases where !lists[format.rawValue].isEmpty {
            let frame = prepared.frame(format)
            if batches[format.rawValue] == nil {
                batches[format.rawValue] = frame
            } else {
                batches[format.rawValue]?.writeImmutableBuffer(frame)
            }
            bytes = max(bytes, batches[format.rawValue]?.readableBytes ?? 0)
        }
        batched += 1
        return bytes
    }
}
