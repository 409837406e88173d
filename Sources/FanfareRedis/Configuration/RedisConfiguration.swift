/// How a node reaches Redis, and how patient it is.
public struct RedisConfiguration: Sendable, Equatable {
    /// Where Redis listens.
    public enum Address: Sendable, Equatable {
        /// TCP; the name is looked up anew for every try.
        case host(String, port: Int)
        /// A Unix socket.
        case path(String)
        /// The present master of that name; sentinels are asked for it before every try.
        case sentinel(RedisSentinels)
        /// A Redis Cluster; any of these nodes tells the rest.
        case cluster([RedisEndpoint])
    }

    public var address: Address
    /// Whether the links use TLS (`rediss://`).
    public var tls: Bool
    /// ACL user (Redis 6 and newer); `nil`: the default user.
    public var user: String?
    /// Secret: shown nowhere.
    public var password: String?
    /// Database for keys; Pub/Sub has none.
    public var database: Int

    /// What stands before a channel's name in Redis, so that several clusters can share one; see ``isPrefix(_:)``.
    public var prefix = "fanfare:"
    /// Which verbs and names the links use; a broker for a node of a Redis Cluster is given the other kind.
    var pubSub = PubSubKind.plain
    /// PEM file with the authorities that may vouch for Redis; `nil`: the system's.
    public var caFile: String?
    /// For the TCP connection.
    public var connectTimeout = Duration.seconds(2)
    /// For any answer of Redis; then the link is dropped.
    public var commandTimeout = Duration.seconds(4)
    /// Between two probes through the normal publish path.
    public var probeInterval = Duration.seconds(5)
    /// In which all channels with history of which nothing was heard are held against their streams.
    public var positionCheckInterval = Duration.seconds(20)
    /// Between two looks at the map of a Redis Cluster while all is well: a slot that moved unnoticed is found by then.
    var mapInterval = Duration.seconds(30)
    /// Shortest and longest wait before another try; the wait is random between nothing and a bound that doubles. A
    /// hundred nodes that all try once a second are nothing to Redis, and its return is found within that second.
    public var backoff = Duration.milliseconds(200)...Duration.seconds(1)
    /// Channels in one SUBSCRIBE.
    public var subscribeBatch = 512
    /// Publishes that wait for Redis; beyond it they are refused.
    public var maxPendingPublishes = 65_536
    /// Bytes of those.
    public var maxPendingBytes = 67_108_864
    /// Reads of clients and backends that wait for Redis; beyond it they are refused.
    public var maxPendingReads = 4_096
    /// Bytes that those may bring, about: as much as Redis reads within ``readPatience``.
    public var maxPendingReadBytes = 268_435_456
    /// How long a read of a client may wait for its turn before it is refused.
    public var readPatience = Duration.seconds(2)
    /// Bytes of publications that wait for one event loop; beyond it they are dropped and counted.
    public var maxBacklogBytes = 67_108_864
    /// Bytes of one publication from Redis; bigger ones are dropped and counted.
    public var maxPayloadBytes = 1_048_576
}

/// Names in Redis that can't be those of another cluster.
extension RedisConfiguration {
    /// Whether a text can be a prefix: letters, digits, `.`, `_` and `-`, and one `:` at its end. Then a name in Redis tells
    /// where its prefix ends, and two clusters with different prefixes share neither keys nor channels; with `fanfare:` and
    /// `fanfare:b:` they would, for `b:secret` of one is `secret` of the other.
    public static func isPrefix(_ text: String) -> Bool {
        let bytes = text.utf8
        return (2...64).contains(bytes.count) && bytes.last == UInt8(ascii: ":")
            && bytes.dropLast().allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// What stands before a channel's name in Pub/Sub, which knows no databases: in another database than 0 its number is
    /// part of it, as in `fanfare/3:lobby`. No prefix holds a `/`.
    public var channelPrefix: String {
        database == 0 ? prefix : "\(prefix.hasSuffix(":") ? prefix.dropLast() : prefix[...])/\(database):"
    }
}
