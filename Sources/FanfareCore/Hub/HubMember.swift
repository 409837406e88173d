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
    /// How publications read to this client, but in subscriptions with a format of their own; never changes.
    var wireFormat: WireFormat { get }

    /// The lane took only `count` of these bytes, or is broken when that is negative: the rest is the client's. The same
    /// rules as for `deliver`.
    func sent(_ count: Int, of bytes: ByteBuffer)

    /// Sends ready bytes now, for its lane is closed. Must not call back into the shard; a client that dies here may call `leave`, which waits.
    func deliver(_ bytes: ByteBuffer)

    /// Adds ready bytes to what this client gets at the end of the turn. Must not call back into the shard.
    func enqueue(_ bytes: ByteBuffer)

    /// As ``sent(_:of:)`` of bytes; when the lane took less than a turn's frames, for each of them, in order.
    func sent(_ count: Int, of frame: SplitFrame)

    /// As ``enqueue(_:)`` of bytes.
    func enqueue(_ frame: SplitFrame)

    /// Writes what comes before the shared part of one delivery, for a subscription with ``Lead/written``. Called in the order in
    /// which the client gets its deliveries; the same rules as for `enqueue`.
    ///
    /// In a channel of which only the newest publication waits for a client that is behind, one with its lead may give way to a
    /// newer one.
    ///
    /// - Parameter request: names the subscription among those of the client to the publication's channel.
    /// - Returns: whether the client takes the delivery. If not, it hears nothing of it, and whether it is to have it later is
    ///   the client's own business.
    func writeLead(of publication: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool

    /// Whether bytes wait that the client did not take: then only the newest publication of some channels waits with them.
    var isBehind: Bool { get }

    /// Keeps a subscription's newest publication, instead of an earlier one, until the client has taken what waits. The same
    /// rules as for `enqueue`.
    func keepNewest(_ frame: SplitFrame, of channel: ChannelName, request: UInt32)

    /// The subscription that was asked for with `request` is in force: what `start` holds comes first, then publications
    /// arrive.
    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart)

    /// The subscription that was asked for with `request` could not be had.
    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError)

    /// The hub ended the subscription that was asked for with `request`.
    func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason)
}

/// A client's subscriptions in its shard: one small array, nothing when there are none.
public struct HubMembership<Member: HubMember> {
    /// A subscription. Sixteen bytes, for a client may have many: format and lead, where it has its own, are with the channel.
    struct Place {
        /// The channel.
        unowned(unsafe) let slot: ChannelSlot<Member>
        /// Index in one of the slot's lists; negative before the broker's answer: the number of its ``ChannelSlot/Waiter``.
        var index: Int32
        /// The caller's name for the subscription.
        let request: UInt32

        // `unowned(unsafe)`: the shard's table holds a slot as long as any member or waiter is in it, and removes the
        // member's place before it lets the slot go (`HubShard.drop`).
        init(slot: ChannelSlot<Member>, index: Int32, request: UInt32) {
            self.slot = slot
            self.index = index
            self.request = request
        }

        var isWaiting: Bool { index < 0 }
    }

    var places: [Place] = []
    /// Its place among the shard's lanes, and whether it was ever given one.
    var lane: Int32 = -1

    public init() {}

    /// Subscriptions in force or asked for.
    public var count: Int { places.count }

    /// Whether the client has that subscription, in force or asked for.
    public func contains(_ channel: ChannelName, request: UInt32) -> Bool { find(channel, request) != nil }

    /// Whether the client has a subscription to a channel, in force or asked for.
    public func contains(_ channel: ChannelName) -> Bool { find(channel) != nil }

    /// One of the subscriptions to a channel.
    func find(_ channel: ChannelName) -> Int? {
        places.firstIndex { $0.slot.channel == channel }
    }

    func find(_ channel: ChannelName, _ request: UInt32) -> Int? {
        places.firstIndex { $0.request == request && $0.slot.channel == channel }
    }
}
