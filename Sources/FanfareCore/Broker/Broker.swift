import FanfareWire

/// What carries publications between nodes. Redis in a cluster, memory on a single node: both pass the same tests.
///
/// ## Contract
/// - **Order.** Every receiver sees the publications of one channel in one order, the same on all nodes.
/// - **Subscriptions** are per receiver (one per event loop) and channel; the caller counts its clients itself and
///   asks once for the first and once after the last. Commands of one receiver are carried out in the order given.
/// - **Answers.** `subscribe` is answered in the receiver's mailbox by exactly one ``BrokerEvent/subscribed`` (from
///   then on every publication arrives) or ``BrokerEvent/subscribeFailed`` (nothing is subscribed) with its ticket.
///   An `unsubscribe` before the answer withdraws it: then there may be no answer.
/// - **Publish** completes when the broker has accepted the publication, or with the error that a client is told.
///   The completion runs on any thread and must not block.
/// - **Outage.** Subscriptions survive it; what was published meanwhile may be lost (a channel without history).
/// - **History.** Where the channel's rules keep one, a publication gets its place in the stream together with being
///   published. `subscribed` then tells the position from which on the receiver gets everything, once and in order, also
///   what an outage kept from it; where the stream does not hold that any more it gets ``BrokerEvent/insufficient``.
///
/// - **Presence.** See ``PresenceStore``.
///
/// All methods may be called from any thread and never block.
public protocol Broker: PresenceStore {
    /// Connects the mailboxes, one per event loop, index = receiver. Called once, before anything else.
    func start(receivers: [Mailbox<BrokerEvent>])

    /// Asks for a channel's publications for one receiver.
    func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64)

    /// Ends what `subscribe` began, answered or not.
    func unsubscribe(_ channel: ChannelName, receiver: Int)

    /// Sends a publication to all subscribers on all nodes, and keeps it where the channel's rules say so, with all that it
    /// carries.
    func publish(
        _ publication: Publication, options: PublishOptions,
        completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void)

    /// Reads a channel's history; ``BrokerError/noHistory`` where its rules keep none. The completion runs on any thread
    /// and must not block.
    func history(
        _ channel: ChannelName, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void)

    /// Forgets what is kept of a channel; its position stays.
    func removeHistory(_ channel: ChannelName, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void)

    /// Whether publications flow now, and why not.
    var status: BrokerStatus { get }

    /// Completes accepted publications (bounded by a few seconds), then closes every link. Ends in any case.
    func shutdown() async
}

/// What a broker puts into an event loop's mailbox.
public enum BrokerEvent: Sendable {
    /// A publication in a channel that this receiver subscribed to.
    case publication(PreparedPublication)
    /// The subscription with that ticket is in force.
    /// Position: the place in the stream after which everything arrives; `nil` in a channel without history.
    case subscribed(ChannelName, ticket: UInt64, position: StreamPosition?)
    /// The subscription with that ticket failed and is forgotten.
    case subscribeFailed(ChannelName, ticket: UInt64, BrokerError)
    /// Publications were missed that the history does not hold any more: subscribers have to begin anew. What follows
    /// comes after `position`.
    case insufficient(ChannelName, position: StreamPosition)
    /// The answer to a read that the hub shard asked for.
    case history(ChannelName, read: UInt64, Result<HistoryPage, BrokerError>)
    /// A client came into a channel that this receiver subscribed to, or is gone from it.
    case presence(PreparedPresenceEvent)
    /// The broker was away and is back, perhaps without what it kept: members have to be refreshed.
    case returned
}

/// Why the broker did not do what it was asked; the description is fit for a client.
public enum BrokerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no link to the broker now. Nothing was published; trying again is safe.
    case unavailable
    /// The link broke or fell silent before the answer: it may have been published.
    case unknownOutcome
    /// Too many publications or reads wait for the broker, or for clients. Nothing was published.
    case overloaded
    /// The channel keeps no history.
    case noHistory
    /// The channel does not keep who is in it.
    case noPresence
    /// The subscriptions to the channel have as many different filters as there may be.
    case tooManyFilters
    /// The subscriptions to the channel, or those of the client's address, have as many different formats as there may be.
    case tooManyFormats
    /// The broker refused the command, with its words: for the log alone, they may tell of the inside.
    case refused(String)

    public var description: String {
        switch self {
        case .unavailable: "broker is not available, try again"
        case .unknownOutcome: "broker did not confirm in time: what became of it is not known"
        case .overloaded: "too many calls wait for the broker, try again"
        case .noHistory: "the channel keeps no history"
        case .noPresence: "the channel does not keep who is in it"
        case .tooManyFilters: "the subscriptions to the channel have too many different filters"
        case .tooManyFormats: "the channel, this address or the node has too many different selections"
        case .refused: "broker refused the command"
        }
    }
}

/// The state of the broker's links, for `/readyz` and the metrics.
public struct BrokerStatus: Sendable, Equatable {
    /// Whether publications flow in both directions.
    public var isUp: Bool
    /// What is wrong when they don't; holds no secret.
    public var problem: String?

    public init(isUp: Bool, problem: String? = nil) {
        self.isUp = isUp
        self.problem = problem
    }
}

extension Broker {
    /// Sends a publication with no options.
    public func publish(
        _ publication: Publication, completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void
    ) {
        publish(publication, options: PublishOptions(), completion: completion)
    }
}
