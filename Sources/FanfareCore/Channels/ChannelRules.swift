/// How the channels of one namespace behave.
public struct ChannelRules: Sendable, Equatable {
    /// How much of a channel is kept.
    public struct Retention: Sendable, Equatable {
        /// Publications, the newest.
        public var size: Int
        /// How old one may become.
        public var age: Duration

        public init(size: Int, age: Duration) {
            self.size = size
            self.age = age
        }

        /// How long a stream's position is known after its last use: a client that comes back later begins anew.
        public var positionAge: Duration { max(age * 10, .seconds(86_400)) }
    }

    /// What a client gets that was away.
    public enum Recovery: String, Sendable, CaseIterable {
        /// Nothing.
        case off
        /// Everything that it missed, or it is told that this can't be had.
        case stream
        /// The newest publication, also on its first subscription: channels that carry a state and not events.
        case cache
    }

    /// Who may do something, among clients that may do it at all.
    public enum Access: String, Sendable, CaseIterable {
        /// The server API alone.
        case nobody
        /// Clients that are subscribed to the channel.
        case subscribers
        /// All clients.
        case clients
    }

    /// What happens to publications for a client that is behind.
    public enum Queue: String, Sendable, CaseIterable {
        /// All wait for it; a client that is too far behind is cut.
        case all
        /// Only the newest of each channel waits: for prices and positions, where an older value is worth nothing.
        case newest
    }

    /// What a subscriber may be sent of a publication that has the one before.
    public enum Delta: String, Sendable, CaseIterable {
        /// All of it.
        case off
        /// What changed, in the format of Fossil, to clients that ask for it.
        case fossil
    }

    /// `nil`: nothing is kept, and the channel is at most once.
    public var history: Retention?
    public var recovery = Recovery.off
    /// Whether the node keeps who is in a channel.
    public var presence = false
    /// Whether clients hear of others that come and go.
    public var joinLeave = false
    public var publish = Access.clients
    /// `subscribers` makes no sense here and is refused by the configuration.
    public var subscribe = Access.clients
    public var readHistory = Access.subscribers
    public var readPresence = Access.subscribers
    /// Bytes of one publication of a client, below the node's own limit; `nil`: only that.
    public var maxMessageBytes: Int?
    public var queue = Queue.all
    public var delta = Delta.off
    /// Whether a subscription may have a filter of its own by the publications' tags.
    public var tagsFilter = false
    /// Whether what a client says beside its payload (headers of its message) travels as tags; `nil`: not where subscribers choose by tags, for
    /// those were a backend's own.
    public var clientTags: Bool?
    /// Whether a client's publication says who it is.
    public var publisherInfo = false

    public init() {}

    /// Whether a client's own tags travel.
    public var takesClientTags: Bool { clientTags ?? !tagsFilter }

    /// Whether the broker keeps members: events that match reality are made from what is kept.
    public var keepsMembers: Bool { presence || joinLeave }
}
