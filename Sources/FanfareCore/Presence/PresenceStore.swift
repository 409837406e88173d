import FanfareWire

/// Who is in which channel, across all nodes: the part of the broker that keeps it.
///
/// ## Contract
/// - A member is there for ``ChannelRulebook/presenceTTL`` after it joined or was refreshed last; a node refreshes its
///   members well before that, so those of a dead node go by themselves.
/// - Where the channel's rules have join-leave, every receiver of the channel hears of a member that came with one join,
///   and of one that left or whose time ran out with one leave, in the order in which it happened. What an outage keeps
///   from a receiver stays unheard: joins and leaves are at most once, ``presence(of:limit:completion:)`` is what counts.
/// - Expired members are found by whoever looks: ``reap(_:completion:)``, a refresh, a read. One of them announces them.
///
/// In a channel whose rules keep no presence everything here fails with ``BrokerError/noPresence``. Completions run on any
/// thread and must not block. All methods may be called from any thread and never block.
public protocol PresenceStore: AnyObject, Sendable {
    /// Adds members.
    ///
    /// - Parameter returning: they were members all the time and the store lost them: those are announced with a join
    ///   only whose leave was announced, because their time had run out.
    func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void)

    /// Removes members, by client.
    func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void)

    /// Gives members their full time again, by client; the answer names those that are not there any more.
    func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void)

    /// Removes members whose time has run out.
    func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void)

    /// All members, if they are not more than `limit` and have no more than about `maxBytes`.
    func presence(
        of channel: ChannelName, limit: Int, maxBytes: Int,
        completion: @escaping @Sendable (Result<PresencePage, BrokerError>) -> Void)

    /// How many members there are.
    func presenceStats(
        of channel: ChannelName, completion: @escaping @Sendable (Result<PresenceStats, BrokerError>) -> Void)
}

/// What a change of a channel's members left behind.
public struct PresenceChange: Sendable, Equatable {
    /// Members of a refresh that were not there.
    public var missing: [ExactText]
    /// Until the first member's time runs out; `nil`: there is none.
    public var nextExpiry: Duration?

    public init(missing: [ExactText] = [], nextExpiry: Duration? = nil) {
        self.missing = missing
        self.nextExpiry = nextExpiry
    }
}

/// The members of a channel at one moment.
public struct PresencePage: Sendable, Equatable {
    /// Empty when there are more than the limit, or more bytes of them.
    public var members: [ClientInfo]
    /// How many there are.
    public var total: Int

    public init(members: [ClientInfo], total: Int) {
        self.members = members
        self.total = total
    }

    /// Bytes of all members' infos, with what stands around each.
    var bytes: Int { members.reduce(0) { $0 + $1.size + ReadCost.overhead } }

    /// Whether a limit kept them back.
    public var isTooLarge: Bool { members.isEmpty && total > 0 }
}

/// How many are in a channel.
public struct PresenceStats: Sendable, Equatable {
    /// Connections.
    public var clients: Int
    /// People; all anonymous clients are one.
    public var users: Int

    public init(clients: Int, users: Int) {
        self.clients = clients
        self.users = users
    }
}
