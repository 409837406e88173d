/// How fast one client may send, by what it sends; `nil`: as fast as it likes.
///
/// A class, for all clients of a node have the same: as a struct, its 200 bytes were copied for every message.
public final class ClientRates: Sendable {
    /// Messages, or commands of a protocol that has them.
    public let messages: Rate?
    /// Bytes from its socket.
    public let bytes: Rate?
    /// Publications.
    public let publications: Rate?
    /// Subscriptions that it asks for.
    public let subscriptions: Rate?
    /// Reads of histories and members, one for each started ``readBytes`` or ``readItems`` of what they brought (``ReadCost``).
    public let reads: Rate?

    public init(
        messages: Rate? = nil, bytes: Rate? = nil, publications: Rate? = nil, subscriptions: Rate? = nil,
        reads: Rate? = nil
    ) {
        self.messages = messages
        self.bytes = bytes
        self.publications = publications
        self.subscriptions = subscriptions
        self.reads = reads
    }

    /// What the limits of a node come to. Bursts are a second's worth, and never less than what a sane client does at once:
    /// coming back with all its channels, or a message as long as messages may be.
    public convenience init(_ limits: Limits) {
        func rate(_ perSecond: Int, atOnce: Int = 1) -> Rate? {
            perSecond > 0 ? Rate(perSecond: perSecond, burst: max(perSecond, atOnce)) : nil
        }
        self.init(
            messages: rate(limits.maxMessageRate, atOnce: limits.maxCommandsPerMessage),
            bytes: rate(limits.maxByteRate, atOnce: 2 * limits.maxMessageBytes),
            publications: rate(limits.maxPublishRate),
            subscriptions: rate(limits.maxSubscribeRate, atOnce: limits.maxChannelsPerClient + 1),
            reads: rate(limits.maxReadRate))
    }
}

/// The rates to which clients are held. Raw values index a block, labels are the metrics' `limit`.
public enum ClientRate: Int, CaseIterable, Sendable {
    /// Messages of a client.
    case messages
    /// Bytes of a client.
    case bytes
    /// Publications of a client.
    case publications
    /// Subscriptions that a client asks for.
    case subscriptions
    /// Reads of a client.
    case reads
    /// Messages of all clients of a user.
    case userMessages
    /// Publications of all clients of a user.
    case userPublications

    /// Those for which a client is not read for a while.
    public static let thatThrottle: [ClientRate] = [
        .messages, .bytes, .publications, .reads, .userMessages, .userPublications,
    ]
    /// Those for which something is refused.
    public static let thatRefuse: [ClientRate] = [.publications, .subscriptions, .reads, .userPublications]

    /// The value of the `limit` label.
    public var label: String {
        switch self {
        case .messages: "messages"
        case .bytes: "bytes"
        case .publications: "publish"
        case .subscriptions: "subscribe"
        case .reads: "read"
        case .userMessages: "user_messages"
        case .userPublications: "user_publish"
        }
    }
}
