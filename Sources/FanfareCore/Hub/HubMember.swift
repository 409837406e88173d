import FanfareWire
import NIOCore

/// What the hub sees of a client: a place for its bookkeeping and a way to hand it bytes.
///
/// Everything here happens on the event loop that owns the shard.
public protocol HubMember: AnyObject {
    /// The short way to it.
    associatedtype Lane: HubLane

    /// The hub's bookkeeping for this client. The hub alone changes it.
    var membership: HubMembership<Self> { get set }
    /// How publications read to this client; never changes.
    var wireFormat: WireFormat { get }

    /// The lane took only `count` of these bytes, or is broken when that is negative: the rest is the client's. The same
    /// rules as for `deliver`.
    func sent(_ count: Int, of bytes: ByteBuffer)

    /// Sends ready bytes now, for its lane is closed. Must not call back into the shard; a client that dies here may call `leave`, which waits.
    func deliver(_ bytes: ByteBuffer)

    /// Adds ready bytes to what this client gets at the end of the tick. Must not call back into the shard.
    func enqueue(_ bytes: ByteBuffer)

    /// Whether bytes wait that the client did not take: then only the newest publication of some channels waits with them.
    var isBehind: Bool { get }

    /// Keeps a channel's newest publication, instead of an earlier one, until the client has taken what waits. The same
    /// rules as for `enqueue`.
    func keepNewest(_ frame: ByteBuffer, of channel: ChannelName)

    /// The subscription that was asked for with `request` is in force: what `start` holds comes first, then publications
    /// arrive.
    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart)

    /// The subscription that was asked for with `request` could not be had.
    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError)

    /// The hub ended the subscription.
    func unsubscribed(_ channel: ChannelName, _ reason: UnsubscribeReason)
}

/// A client's subscriptions in its shard: one small array, nothing when there are none.
public struct HubMembership<Member: HubMember> {
    struct Place {
        /// The channel.
        unowned(unsafe) let slot: ChannelSlot<Member>
        /// Index in the slot's list for the member's format; ``waiting`` before the broker's answer.
        var index: Int32
        /// The caller's number for the subscription.
        let request: UInt32

        // `unowned(unsafe)`: the shard's table holds a slot as long as any member or waiter is in it, and removes the
        // member's place before it lets the slot go (`HubShard.drop`).
        init(slot: ChannelSlot<Member>, index: Int32, request: UInt32) {
            self.slot = slot
            self.index = index
            self.request = request
        }
    }

    static var waiting: Int32 { -1 }
    var places: [Place] = []
    /// Its place among the shard's lanes, and whether it was ever given one.
    var lane: Int32 = -1

    public init() {}

    /// Subscriptions in force or asked for.
    public var count: Int { places.count }

    /// Whether the client is in a channel, or asked for it.
    public func contains(_ channel: ChannelName) -> Bool { find(channel) != nil }

    func find(_ channel: ChannelName) -> Int? {
        places.firstIndex { $0.slot.channel == channel }
    }
}
