import FanfareWire
import NIOCore

/// One command of a client (Centrifuge client protocol, `client.proto`: Command).
public struct CentrifugeCommand: Sendable, Equatable {
    /// What is asked for; fields that this node has no use for are not kept.
    public enum Method: Sendable, Equatable {
        /// The answer to a ping: a command without anything.
        case pong
        /// Begins the session.
        case connect(CentrifugeConnect)
        case subscribe(CentrifugeSubscribe)
        case unsubscribe(channel: ExactText)
        /// The data is what the client sent, byte for byte; in JSON its own JSON.
        case publish(channel: ExactText, data: ByteBuffer)
        case presence(channel: ExactText)
        case presenceStats(channel: ExactText)
        case history(CentrifugeHistory)
        /// A message to the node without an answer.
        case send
        case rpc
        /// A new token for the connection.
        case refresh(token: String)
        /// A new token for a subscription.
        case subRefresh(channel: ExactText, token: String)
        /// A ping by the client.
        case ping
    }

    /// Names the reply; 0 where there is none (pong, send).
    public var id: UInt32
    public var method: Method

    public init(id: UInt32, method: Method) {
        self.id = id
        self.method = method
    }
}

/// What a client says at the beginning (`client.proto`: ConnectRequest).
public struct CentrifugeConnect: Sendable, Equatable {
    /// Who it is; the request of its upgrade may say that too.
    public var token: String?
    /// Where it was in channels that the node subscribed it to before.
    public var subscriptions: [CentrifugeSubscribe]

    public init(token: String? = nil, subscriptions: [CentrifugeSubscribe] = []) {
        self.token = token
        self.subscriptions = subscriptions
    }
}

/// What a client says with its subscription (`client.proto`: SubscribeRequest).
public struct CentrifugeSubscribe: Sendable, Equatable {
    public var channel: ExactText
    /// For channels that ask for one.
    public var token: String?
    /// Whether the client was subscribed before and wants what it missed after ``position``.
    public var recover: Bool
    /// Offset 0 and no epoch when the client never had one.
    public var position: StreamPosition

    public init(
        channel: ExactText, token: String? = nil, recover: Bool = false,
        position: StreamPosition = StreamPosition(offset: 0, epoch: "")
    ) {
        self.channel = channel
        self.token = token
        self.recover = recover
        self.position = position
    }
}

/// Which part of a channel's history a client wants (`client.proto`: HistoryRequest).
public struct CentrifugeHistory: Sendable, Equatable {
    public var channel: ExactText
    /// 0: only the stream's position; below: as many as there may be.
    public var limit: Int
    public var since: StreamPosition?
    public var reverse: Bool

    public init(channel: ExactText, limit: Int = 0, since: StreamPosition? = nil, reverse: Bool = false) {
        self.channel = channel
        self.limit = limit
        self.since = since
        self.reverse = reverse
    }
}

extension CentrifugeCommand.Method {
    /// A first connection.
    public static func connect(token: String?) -> Self { .connect(CentrifugeConnect(token: token)) }

    /// A first subscription.
    public static func subscribe(channel: ExactText) -> Self { .subscribe(CentrifugeSubscribe(channel: channel)) }

    /// The position of a channel's history.
    public static func history(channel: ExactText) -> Self { .history(CentrifugeHistory(channel: channel)) }
}

extension StreamPosition {
    /// An epoch as a client says it. Of one that is none of ours no stream is, which is what the client is told; it is not kept,
    /// for it may be long.
    static func epoch(saidByClient text: String) -> String { text.isEmpty || isEpoch(text) ? text : "?" }
}
