import FanfareCore
import FanfareWire
import NIOCore

/// One namespace of a client: who it is there, and which channels it has.
struct SocketIONamespace: Sendable {
    /// A channel of the client.
    struct Subscription: Sendable {
        let channel: ChannelName
        /// Names it in the hub, and is the lead of its publications.
        let number: UInt32
        /// Whether the hub has confirmed it.
        var isInForce = false
        /// What waits for it; `nil`: nobody waits.
        var waiter: Waiter?
        /// Whether the client asked for it, and not its token; also one that a backend made and that the client may have by itself.
        let isByClient: Bool
        /// Whether the client has it again when it comes back: not one that a backend made, where the client may not ask for it.
        var isKept = true
        /// Where the client is; `nil`: it can't come back to the channel.
        var position: StreamPosition?
        /// The place with which it came.
        var since: StreamPosition?

        /// Whether the client has it again when it comes back, by its offset.
        var isInOffset: Bool { isInForce && isKept && (isByClient || position != nil) }
    }

    /// What a subscription answers.
    enum Waiter: Sendable, Equatable {
        /// The namespace's CONNECT.
        case connect
        /// `subscribe`.
        ///
        /// - Parameter ack: `nil`: the client wants no answer.
        case event(ack: UInt64?)
        /// What a backend wants: who waits is told by the hub's answer.
        case backend
    }

    /// A CONNECT whose subscriptions are on their way.
    struct Connecting: Sendable {
        var missing: Int
        /// The private id that the client will have: that with which it came back, or a new one.
        var pid: String
        let isReturning: Bool
        /// Whether all that the client missed is here.
        var isComplete = true
        /// What the subscriptions brought, by their numbers.
        var starts: [(number: UInt32, start: SubscriptionStart)] = []
        /// How far the client has that, once it has the answer; `nil`: it has none.
        var progress: Progress?

        struct Progress: Sendable {
            /// Whether it takes up where it was.
            let isRecovered: Bool
            /// The next of the starts, and the next publication in it.
            var start = 0
            var publication = 0
        }
    }

    /// With its slash.
    let name: ExactText
    /// Whether its clients are told where they are.
    let isRecoverable: Bool
    var grants: Grants
    var subscriptions: [Subscription] = [] {
        // Each change adds some or removes some.
        didSet { if let known = names, known.count != subscriptions.count { names = nil } }
    }
    /// Hashes of the channels' names, and how many channels there were: made when a long list is held against many of them.
    private var names: (hashes: Set<Int>, count: Int)?
    /// `nil` once the CONNECT is answered.
    var connecting: Connecting?

    init(name: ExactText, isRecoverable: Bool, grants: Grants) {
        (self.name, self.isRecoverable, self.grants) = (name, isRecoverable, grants)
    }

    var isConnected: Bool { connecting == nil }

    /// Whether the client knows its id: it has the answer to its CONNECT, and maybe not yet all that it missed. From then on backends
    /// find it.
    var isJoined: Bool { connecting == nil || connecting?.progress != nil }

    /// Whether the client is subscribed, and not only about to be.
    func isSubscribed(_ channel: ChannelName) -> Bool {
        subscriptions.contains { $0.channel == channel && $0.isInForce }
    }

    /// A subscription by its number. They are in the order of their numbers, so it takes seven steps among 128; for a lead that is none, or
    /// where the numbers began anew, all are looked through.
    func index(of number: UInt32) -> Int? {
        var (low, high) = (0, subscriptions.count)
        while low < high {
            let middle = (low + high) / 2
            if subscriptions[middle].number < number { low = middle + 1 } else { high = middle }
        }
        if low < subscriptions.count, subscriptions[low].number == number { return low }
        return subscriptions.firstIndex { $0.number == number }
    }

    /// Whether one of these is a channel that the client has: a ``ChannelNameList``. Costs what the list has, however many channels the
    /// client has: emitters may leave out a thousand rooms, and this is done for each delivery.
    mutating func hasOne(of list: ByteBuffer) -> Bool {
        guard list.readableBytes > 0 else { return false }
        let isLong = list.readableBytes * subscriptions.count > Self.compared
        if isLong, names == nil {
            names = (Set(subscriptions.map { Self.hash($0.channel) }), subscriptions.count)
        }
        let (hashes, subscriptions) = (isLong ? names?.hashes : nil, subscriptions)
        return list.withUnsafeReadableBytes { bytes in
            !ChannelNameList.walk(bytes) { name in
                if let hashes, !hashes.contains(Self.hash(name)) { return true }
                return !subscriptions.contains {
                    let own = $0.channel.string.utf8
                    return $0.isInForce && own.count == name.count && own.elementsEqual(name)
                }
            }
        }
    }

    /// Bytes of a list times channels up to which they are compared one by one.
    private static let compared = 4_096

    private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return hasher.finalize()
    }

    private static func hash(_ channel: ChannelName) -> Int {
        var text = channel.string
        return text.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
    }

    func index(of channel: ChannelName) -> Int? { subscriptions.firstIndex { $0.channel == channel } }

    /// Where the client is in all of them. Nothing is written where their names alone are too long.
    var offset: String {
        var names = -1
        for subscription in subscriptions where subscription.isInOffset {
            names += 2 + subscription.channel.string.utf8.count
        }
        guard names <= SocketIOBounds.offsetBytes else { return SocketIOOffset.none }
        var writer = SocketIOOffset.Writer()
        for subscription in subscriptions where subscription.isInOffset {
            guard writer.add(subscription.channel, subscription.position) else { return SocketIOOffset.none }
        }
        return writer.text
    }

    /// Bytes of ``offset`` while the client is brought to where the channels are, about, and not fewer: a channel that is not in force
    /// counts with the place from which the client comes.
    var offsetBytes: Int {
        var (bytes, epoch) = (0, "")
        for subscription in subscriptions {
            bytes += 2 + subscription.channel.string.utf8.count
            guard let place = subscription.position ?? subscription.since else { continue }
            // A digit more than now.
            bytes += 1 + String(place.offset).utf8.count
            if place.epoch != epoch { bytes += 1 + place.epoch.utf8.count }
            epoch = place.epoch
        }
        return min(bytes, SocketIOBounds.offsetBytes)
    }

    /// The namespace of channels that a namespace is: its name without the slash. A byte is left out, not a `Character`: a slash and a
    /// combining mark behind it are one.
    static func channels(of namespace: ExactText) -> ExactText {
        ExactText(String(decoding: namespace.utf8.dropFirst(), as: UTF8.self))
    }

    /// The channel of a room: in `/chat` the room `1` is the channel `chat:1`; in `/` rooms are channels.
    static func channel(of room: ExactText, in namespace: ExactText) -> ExactText {
        namespace == "/" ? room : ExactText(channels(of: namespace).string + ":" + room.string)
    }

    /// The room of a channel of this namespace; `nil`: it is none of it.
    static func room(of channel: ExactText, in namespace: ExactText) -> ExactText? {
        guard namespace != "/" else { return channel }
        let prefix = (channels(of: namespace).string + ":").utf8
        guard channel.utf8.starts(with: prefix) else { return nil }
        return ExactText(String(decoding: channel.utf8.dropFirst(prefix.count), as: UTF8.self))
    }
}
