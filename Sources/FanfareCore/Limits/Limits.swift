import FanfareWire

/// Every limit of a node. The defaults are safe for a public node with one core and 512 MB of memory.
public struct Limits: Sendable, Equatable {
    /// Clients with a session (WebSocket upgrades accepted) on this node. More are refused with 503 and `Retry-After`.
    public var maxConnections = 50_000
    /// Clients from one address (IPv6: /64) on this node; 0: no limit. More: 429. A big office behind one address fits; the
    /// node's own proxies are no clients.
    public var maxConnectionsPerAddress = 5_000
    /// Attempts to become a client from one address in a second; 0: no limit. More: 429. Five seconds' worth may come at once:
    /// when a node goes down, the thousand clients of an office behind one address come to another together.
    public var maxConnectRatePerAddress = 200
    /// Clients of one user on this node; 0: no limit. More: HTTP 429 or error 111, both temporary, for a phone that comes back
    /// finds its old connection still there.
    public var maxConnectionsPerUser = 0
    /// Sockets that have no session yet: handshakes and plain HTTP. When one more comes, the one whose request the node waits
    /// for longest is closed, so that a flood of silent sockets takes neither the descriptors of clients nor their turn.
    public var maxPendingConnections = 4_096
    /// Those of one address (IPv6: /64); more are closed at once. A quarter, so that four addresses are needed to fill all
    /// places. The node's own proxies are not held to it.
    public var maxPendingConnectionsPerAddress = 1_024
    /// Bytes of one inbound message, all its fragments together. More: close 1009, HTTP 413.
    public var maxMessageBytes = 65_536
    /// Fragments of one inbound message. More: close 1008. Each costs a header's work and none has to carry anything.
    public var maxFragments = 1_024
    /// Attachments of one packet of a Socket.IO client: binary messages that belong to a text message. More: its connection ends. As
    /// many as the official parser takes; they and the text together are held to ``maxMessageBytes``.
    public var maxAttachments = 10
    /// Pings and pongs of one client in a second. More: close 1008. Each ping is answered; RFC 6455 sets no bound.
    public var maxControlFramesPerSecond = 50
    /// Bytes that wait for one client. More: it is a slow consumer and is cut with 3008.
    public var maxQueueBytes = 1_048_576
    /// Memory of what waits for all clients of the node together; what clients share counts once for each event loop. More:
    /// those with the largest queues are cut with 3008, the oldest first, until there is an eighth of room. By default a
    /// quarter of the memory that the process may use, or this where that is not known.
    public var maxNodeQueueBytes = 268_435_456
    /// For a client to take what waits for it, counted anew with each part of up to 64 KiB. Longer: it is a slow consumer
    /// and is cut with 3008, also when little waits.
    public var slowTimeout = Duration.seconds(30)
    /// Sessions begun in a second; a burst may have as many at once. More get 503 and `Retry-After`, so that the clients of
    /// a node that went down don't take this one with them.
    public var maxConnectRate = 10_000
    /// From an answer to a poll with a cursor to the next poll: for so long what comes is kept for it, and its place. Longer: it is
    /// told that it may have missed something. Within the time that a slow consumer has.
    public var pollGap = Duration.seconds(15)
    /// Channels of one client.
    public var maxChannelsPerClient = 128
    /// Different filters of the subscriptions to one channel on one event loop: each is held against each publication. More: error
    /// 106 to the subscription that brings another one. Equal filters count once for each format.
    public var maxFiltersPerChannel = 256
    /// Bytes of a channel name, at most ``ChannelName/maximumBytes``.
    public var maxChannelNameBytes = 255
    /// Commands in one inbound message of the Centrifuge protocol. SDKs batch the subscribes of a reconnect, so it must be
    /// well above the channels of a client.
    public var maxCommandsPerMessage = 512
    /// Commands of one client that wait for the broker. More: the client is not read until some complete.
    public var maxPendingCommands = 256
    /// Messages of one client in a second, for the Centrifuge protocol its commands; 0: no limit. Faster: the client is not
    /// read until its rate allows the next. A busy SDK sends some ten; a second's worth may come at once.
    public var maxMessageRate = 1_000
    /// Bytes of one client in a second, as they come from the network; 0: no limit. Faster: it is not read for a while.
    public var maxByteRate = 4_194_304
    /// Publications of one client in a second; 0: no limit. Faster: error 111 with `retry_after`, and who speaks raw, where
    /// there is no such answer, is not read for a while. Over HTTP those of one user, or of one address without users: 429.
    public var maxPublishRate = 500
    /// `subscribe`, `sub_refresh`, `refresh` and `connect` of one client in a second, each of which may be a signature to
    /// check; 0: no limit. More: error 111. As many as a client has channels may come at once, for that is how SDKs come back.
    public var maxSubscribeRate = 128
    /// `history`, `presence` and `presence_stats` of one client in a second, all of which ask the broker; 0: no limit. An
    /// answer counts as one for each started 64 KiB. More: error 111. A second's worth may come at once; they are carried
    /// out one after the other.
    public var maxReadRate = 128
    /// Messages of all clients of one user in a second, counted like ``maxMessageRate``; 0: no limit. Faster: those that send
    /// are not read for a while.
    public var maxUserMessageRate = 0
    /// Publications of one user in a second, over all clients and HTTP; 0: no limit. Faster: as ``maxPublishRate``, and HTTP
    /// 429 with `Retry-After`.
    public var maxUserPublishRate = 0
    /// Publications that one client gets out of a channel's history at a time, with its subscription or with `history`. A
    /// client that missed more is told so and begins anew.
    public var maxRecovery = 1_000
    /// Bytes of recovered publications that wait for clients on this node altogether, and an eighth of that for clients of one
    /// address. More: upgrades with a recovery get 503 and `Retry-After`, subscriptions error 100, both temporary.
    public var maxRecoveryBytes = 268_435_456
    /// Members of a channel that a client is given at once; in bigger channels it asks for their number. About 140 bytes
    /// each and their connection info go into the client's queue.
    public var maxPresenceMembers = 1_000
    /// Members that the server API gives at once.
    public var maxAPIPresenceMembers = 10_000
    /// From accept to the end of the HTTP request head.
    public var handshakeTimeout = Duration.seconds(10)
    /// From the upgrade to the first command of a protocol that has commands.
    public var firstCommandTimeout = Duration.seconds(10)
    /// From the beginning of a Socket.IO connection to its first namespace. As long as the reference server gives.
    public var socketIOConnectTimeout = Duration.seconds(45)
    /// From the first byte of a message to its last, while the client is read. A byte a second is no way to hold memory.
    public var messageTimeout = Duration.seconds(30)
    /// From a message of STOMP with `ack:client` to its ACK, before it is sent again. As long as a human may look at it.
    public var ackTimeout = Duration.seconds(60)
    /// From our close frame to the peer's, before the socket is closed.
    public var closeTimeout = Duration.seconds(2)
    /// Bytes of one token. Real ones have some hundred, with many channels some thousand; all of it is hashed.
    public var maxTokenBytes = 8_192
    /// From the expiry of a token to the end of what it opened, so that a client can refresh it.
    public var expiredGrace = Duration.seconds(25)
    /// Bytes of one HTTP header field, name and value.
    public var maxHeaderFieldBytes = 8_192
    /// Bytes of all HTTP header fields.
    public var maxHeaderListBytes = 16_384
    /// Number of HTTP header fields.
    public var maxHeaderFields = 64
    /// Connections of the admin port. When one more comes, the address with the most of them loses the one that did nothing
    /// for longest. Backends and monitoring keep some tens; a descriptor each, of which no client gets any.
    public var maxAdminConnections = 256
    /// Bytes of one request body on the admin port.
    public var maxAPIBodyBytes = 4_194_304
    /// What `Retry-After` says to a refused client, in seconds; each answer adds up to as much again at random.
    public var retryAfterSeconds = 2

    public init() {}
}

/// Signs of life: how often the server pings, how long a client may take to answer, and how long it may choose to be silent.
public struct KeepAlive: Sendable, Equatable {
    /// Between two signs of life of a client that pings by itself. Shorter, and a lost packet ends it; longer, and what it
    /// holds of the node stays for a client that is gone.
    public static let clientTimes: ClosedRange<Duration> = .seconds(1)...(.seconds(3_600))

    /// Between two pings of one client. `nil`: no pings at all. Well below the `proxy_read_timeout` of the shipped nginx.
    public var pingInterval: Duration? = .seconds(25)
    /// From a ping to any sign of life. Shorter than the interval.
    public var pongTimeout: Duration = .seconds(8)

    public init() {}

    /// The same for clients that end themselves where no pings come.
    public var alwaysOn: KeepAlive {
        var settings = self
        settings.pingInterval = pingInterval ?? KeepAlive().pingInterval
        return settings
    }

    /// What a client gets that wants to be silent for so long, `nil` for as long as it likes: within ``clientTimes``. Where a
    /// protocol has words for it, the client is told.
    public static func clientTime(_ wish: Duration?) -> Duration {
        guard let wish else { return clientTimes.upperBound }
        return min(max(wish, clientTimes.lowerBound), clientTimes.upperBound)
    }
}
