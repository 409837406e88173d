import FanfareCore
import FanfareWire
import Logging

extension Setting {
    /// All settings in the order in which people meet them.
    public static let all: [Setting] =
        network + tls + addresses + redis + behaviour + compression + sockJS + socketIO + security + limits + timeouts
        + http

    private static let defaults = NodeConfiguration()

    private static let network: [Setting] = [
        text(
            "host", "IP address or host name", default: defaults.host, "Address on which clients are accepted.", \.host),
        integer("port", 0...65_535, default: defaults.port, "Port for clients; 0 takes a free one.", \.port),
        text(
            "admin-host", "IP address or host name", default: defaults.adminHost,
            "Address of the admin port: metrics, health, server API. Another than loopback needs admin-api-keys.",
            \.adminHost),
        integer(
            "admin-port", 0...65_535, default: defaults.adminPort, "Port for the operator; 0 takes a free one.",
            \.adminPort),
        Setting(
            "node-name", .text("1–64 letters, digits, '.', '_', '-'"), default: "",
            "Name of the node for clients and operators. Default: the host's name."
        ) { configuration, value in
            if case .text(let text) = value { configuration.nodeName = text }
        },
        Setting(
            "loops", .integer(1...63), default: "", "Event loops, one thread each. Default: the number of cores."
        ) { configuration, value in
            if case .integer(let number) = value { configuration.loops = number }
        },
    ]

    /// Put together by `ConfigurationChecks+TLS`.
    private static let tls: [Setting] = [
        Setting(
            "tls-certificate", .text("path of a readable file"), default: "",
            "PEM file of the certificate chain: with it and tls-key the public port speaks TLS and nothing else. "
                + "Default: plain HTTP."
        ) { _, _ in },
        Setting(
            "tls-key", .text("path of a readable file"), default: "",
            "PEM file of the certificate's private key, without a passphrase. Default: none."
        ) { _, _ in },
        duration(
            "tls-reload-interval", .zero...(.seconds(86_400)), default: defaults.tlsReloadInterval,
            "Between two looks for a newer certificate, which new connections then get; 0: only on SIGHUP.",
            \.tlsReloadInterval),
        Setting(
            "http2", .flag, default: "true",
            "Speak HTTP/2 over TLS with clients that offer it. Off: HTTP/1.1 with all."
        ) { configuration, value in
            if case .flag(let isOn) = value { configuration.http2 = isOn }
        },
    ]

    /// Applied by ``ConfigurationReader``, which builds the Redis configuration from all of them together.
    private static let redis: [Setting] = [
        Setting(
            "redis", .text("redis://, unix://, redis+sentinel:// or redis+cluster:// URLs; rediss for TLS"),
            default: "",
            "The cluster's Redis: redis://user:password@host:port/db, unix:///path, redis+sentinel://h1,h2/master, "
                + "redis+cluster://h1,h2; several, with spaces between them, share the channels. Without it the node "
                + "stands alone.",
            isSecret: true
        ) { _, _ in },
        Setting(
            "redis-prefix", .text("letters, digits, '.', '_' and '-', and one ':' at the end"), default: "fanfare:",
            "What stands before a channel's name in Redis, so that several clusters can share one. In another database "
                + "than 0 channels are named PREFIX/DATABASE:CHANNEL, for Pub/Sub has no databases."
        ) { _, _ in },
        Setting(
            "redis-ca-file", .text("path of a readable file"), default: "",
            "PEM file of the authorities that vouch for Redis with rediss://. Default: the system's."
        ) { _, _ in },
        Setting(
            "redis-timeout", .duration(.milliseconds(50)...(.seconds(60)), mayBeOff: false), default: "4s",
            "For an answer of Redis; then the link is dropped and made anew."
        ) { _, _ in },
        Setting(
            "redis-probe-interval", .duration(.milliseconds(50)...(.seconds(300)), mayBeOff: false), default: "5s",
            "Between two probes through Redis; a link that is open but silent is found within two of them."
        ) { _, _ in },
    ]

    private static let behaviour: [Setting] = [
        Setting(
            "ping-interval", .duration(.milliseconds(100)...(.seconds(3_600)), mayBeOff: true), default: "25s",
            "Between two pings of a client; with the pong timeout at most the proxy's timeout. 0 is off too."
        ) { configuration, value in
            switch value {
            case .duration(let interval): configuration.keepAlive.pingInterval = interval
            case .off: configuration.keepAlive.pingInterval = nil
            default: break
            }
        },
        duration(
            "pong-timeout", .milliseconds(50)...(.seconds(600)), default: defaults.keepAlive.pongTimeout,
            "From a ping to any sign of life; then the client is closed with 3012.", \.keepAlive.pongTimeout),
        duration(
            "drain", .zero...(.seconds(600)), default: defaults.drain,
            "Over which time SIGTERM spreads the closes of the clients.", \.drain),
        Setting(
            "anonymous", .choice(NodeConfiguration.Anonymous.allCases.map(\.rawValue)), default: "none",
            "What clients without credentials may do; with dev they may publish."
        ) { configuration, value in
            if case .text(let text) = value {
                configuration.anonymous = NodeConfiguration.Anonymous(rawValue: text) ?? .none
            }
        },
        Setting(
            "dev", .flag, default: "false", "Lets anonymous clients do everything. For a first try, not the internet."
        ) {
            configuration, value in
            if case .flag(let isOn) = value { configuration.dev = isOn }
        },
        text(
            "allowed-origins", "origins with commas between them", default: defaults.allowedOrigins,
            "The pages from which browsers may connect, and no others: https://app.example.com, https://*.example.com, "
                + "capacitor://localhost, null, same-host; or *. Default: same-host, those of the request's own host and "
                + "port, whoever made its name; with dev all.", \.allowedOrigins),
        text(
            "namespaces", "namespaces with semicolons between them", default: defaults.namespaces,
            "How channels behave, by what stands before their first colon: 'chat: history=100/10m recovery presence; "
                + "*: publish=nobody'. Default: nothing is kept, and a colon means nothing.", \.namespaces),
        duration(
            "presence-ttl", .seconds(1)...(.seconds(3_600)), default: defaults.presenceTTL,
            "How long the members of a dead node stay in their channels; living ones are refreshed every two fifths of it. "
                + "The same on all nodes.",
            \.presenceTTL),
        Setting("log-level", .choice(Logger.Level.allCases.map(\.rawValue)), default: "info", "What is logged.") {
            configuration, value in
            if case .text(let text) = value { configuration.logLevel = Logger.Level(rawValue: text) ?? .info }
        },
        duration(
            "write-delay", .zero...(.seconds(1)), default: defaults.writeDelay,
            "How long a publication may wait for more, so that one write carries them: less work, later messages.",
            \.writeDelay),
        Setting(
            "direct-write", .flag, default: "true",
            "Deliver straight to the socket. Off: through NIO's write path, at twice the cost."
        ) { configuration, value in
            if case .flag(let isOn) = value { configuration.directWrite = isOn }
        },
    ]

    private static let compression: [Setting] = [
        Setting(
            "compression", .flag, default: "false",
            "permessage-deflate with clients that ask for it; a publication is compressed once for all of them."
        ) { configuration, value in
            if case .flag(let isOn) = value { configuration.compression.isOn = isOn }
        },
        bytes(
            "compression-threshold", 0...1_073_741_824, default: defaults.compression.threshold,
            "Size of a frame from which it is compressed where that makes it smaller; 0: all are, come what may.",
            \.compression.threshold),
        Setting(
            "compression-client-context", .flag, default: "false",
            "Clients may compress with what they sent before: smaller messages, 11 to 39 KB of memory for each client."
        ) { configuration, value in
            if case .flag(let isOn) = value { configuration.compression.clientContext = isOn }
        },
    ]

    private static let limits: [Setting] = [
        integer(
            "max-connections", 1...10_000_000, default: defaults.limits.maxConnections,
            "Clients on this node; more get 503. The default is lower where the system allows fewer files.",
            \.limits.maxConnections),
        integer(
            "max-connections-per-address", 0...10_000_000, default: defaults.limits.maxConnectionsPerAddress,
            "Clients from one address (IPv6: /64) on this node, trusted ones aside; more get 429. 0: no limit.",
            \.limits.maxConnectionsPerAddress),
        integer(
            "max-connect-rate-per-address", 0...1_000_000, default: defaults.limits.maxConnectRatePerAddress,
            "Attempts to become a client from one address in a second; more get 429. Those of five seconds may come at once. "
                + "0: no limit.",
            \.limits.maxConnectRatePerAddress),
        integer(
            "max-connections-per-user", 0...10_000_000, default: defaults.limits.maxConnectionsPerUser,
            "Clients of one user on this node; more get 429 or error 111 and may try again. 0: no limit.",
            \.limits.maxConnectionsPerUser),
        integer(
            "max-pending-connections", 1...1_000_000, default: defaults.limits.maxPendingConnections,
            "Sockets without a session; for one more the one that is silent longest is closed.",
            \.limits.maxPendingConnections),
        integer(
            "max-pending-connections-per-address", 1...1_000_000,
            default: defaults.limits.maxPendingConnectionsPerAddress,
            "Those of one address (IPv6: /64), trusted proxies apart; more are closed at once. Default: a quarter of all.",
            \.limits.maxPendingConnectionsPerAddress),
        integer(
            "max-admin-connections", 4...100_000, default: defaults.limits.maxAdminConnections,
            "Connections of the admin port; for one more the address with the most loses its idlest.",
            \.limits.maxAdminConnections),
        bytes(
            "max-message-bytes", 1...1_073_741_824, default: defaults.limits.maxMessageBytes,
            "One message of a client, all fragments together; more: close 1009, HTTP 413.",
            \.limits.maxMessageBytes),
        integer(
            "max-fragments", 1...1_000_000, default: defaults.limits.maxFragments,
            "Fragments of one message of a client; more: close 1008.", \.limits.maxFragments),
        integer(
            "max-attachments", 0...1_000, default: defaults.limits.maxAttachments,
            "Attachments of one packet of a Socket.IO client; more: its connection ends.", \.limits.maxAttachments),
        integer(
            "max-control-frames", 1...100_000, default: defaults.limits.maxControlFramesPerSecond,
            "Pings and pongs of a client in a second; more: close 1008.", \.limits.maxControlFramesPerSecond),
        bytes(
            "max-queue-bytes", 1_024...1_073_741_824, default: defaults.limits.maxQueueBytes,
            "What may wait for one client; more: it is a slow consumer and cut with 3008.", \.limits.maxQueueBytes),
        Setting(
            "max-node-queue-bytes", .bytes(65_536...1_099_511_627_776), default: "",
            "Memory of what may wait for all clients together; more: the largest queues are cut with 3008. "
                + "Default: a quarter of the memory that the process may use."
        ) { configuration, value in
            if case .integer(let number) = value { configuration.limits.maxNodeQueueBytes = number }
        },
        integer(
            "max-channels", 1...100_000, default: defaults.limits.maxChannelsPerClient, "Channels of one client.",
            \.limits.maxChannelsPerClient),
        integer(
            "max-filters", 1...10_000, default: defaults.limits.maxFiltersPerChannel,
            "Different filters of the subscriptions to one channel, on each event loop; more: error 106.",
            \.limits.maxFiltersPerChannel),
        integer(
            "max-channel-bytes", 1...ChannelName.maximumBytes, default: defaults.limits.maxChannelNameBytes,
            "Bytes of a channel's name.", \.limits.maxChannelNameBytes),
        integer(
            "max-commands", 1...10_000, default: defaults.limits.maxCommandsPerMessage,
            "Commands in one message of a client.", \.limits.maxCommandsPerMessage),
        integer(
            "max-pending-commands", 2...100_000, default: defaults.limits.maxPendingCommands,
            "Publishes of one client that wait for the broker; beyond it the client is not read.",
            \.limits.maxPendingCommands),
        duration(
            "slow-timeout", .milliseconds(100)...(.seconds(3_600)), default: defaults.limits.slowTimeout,
            "How long a client may take nothing of what waits for it; then it is cut with 3008.",
            \.limits.slowTimeout),
        duration(
            "poll-gap", .milliseconds(100)...(.seconds(60)), default: defaults.limits.pollGap,
            "How long what comes is kept for a poll's cursor between two polls, in channels without history.",
            \.limits.pollGap),
        integer(
            "max-connect-rate", 1...1_000_000, default: defaults.limits.maxConnectRate,
            "Sessions begun in a second; more get 503 and Retry-After, so that a node survives the clients of another.",
            \.limits.maxConnectRate),
        integer(
            "max-message-rate", 0...1_000_000, default: defaults.limits.maxMessageRate,
            "Messages of a client in a second, or commands; faster: it is not read for a while. 0: no limit.",
            \.limits.maxMessageRate),
        bytes(
            "max-byte-rate", 0...1_073_741_824, default: defaults.limits.maxByteRate,
            "What a client sends in a second; faster: it is not read for a while. 0: no limit.",
            \.limits.maxByteRate),
        integer(
            "max-publish-rate", 0...1_000_000, default: defaults.limits.maxPublishRate,
            "Publications of a client in a second; more: error 111 with retry_after, raw clients are not read for a while. "
                + "0: no limit.",
            \.limits.maxPublishRate),
        integer(
            "max-subscribe-rate", 0...1_000_000, default: defaults.limits.maxSubscribeRate,
            "Subscribes and refreshes of a client in a second, beyond as many as it may have channels; more: error 111. "
                + "0: no limit.",
            \.limits.maxSubscribeRate),
        integer(
            "max-read-rate", 0...1_000_000, default: defaults.limits.maxReadRate,
            "Reads of a client in a second: history and presence, one for each 64 KiB or 100 publications or members that they bring, "
                + "whichever is more, and recoveries, but for the first such part of each; more: error 111. Publications that the broker "
                + "is asked for as clients of an address come back: twice as many, 10,000 at once, where one of the limits by address is "
                + "set. 0: no limit.",
            \.limits.maxReadRate),
        integer(
            "max-user-message-rate", 0...1_000_000, default: defaults.limits.maxUserMessageRate,
            "Messages of all clients of a user in a second, or commands; faster: they are not read for a while. 0: no limit.",
            \.limits.maxUserMessageRate),
        integer(
            "max-user-publish-rate", 0...1_000_000, default: defaults.limits.maxUserPublishRate,
            "Publications of a user in a second, over all its clients and HTTP; more: as max-publish-rate, HTTP 429. "
                + "0: no limit.",
            \.limits.maxUserPublishRate),
        integer(
            "max-recovery", 1...100_000, default: defaults.limits.maxRecovery,
            "Publications that a client gets out of a channel's history at a time; who missed more begins anew.",
            \.limits.maxRecovery),
        bytes(
            "max-recovery-bytes", 1_048_576...68_719_476_736, default: defaults.limits.maxRecoveryBytes,
            "What clients got out of histories with their subscriptions and have not taken yet, and an eighth of it for one "
                + "address; beyond it a recovery gets 503 or error 100 and may be tried again.",
            \.limits.maxRecoveryBytes),
        integer(
            "max-presence-members", 1...10_000, default: defaults.limits.maxPresenceMembers,
            "Members of a channel that a client is given at once; in bigger channels it can ask for their number.",
            \.limits.maxPresenceMembers),
        integer(
            "max-api-presence-members", 1...100_000, default: defaults.limits.maxAPIPresenceMembers,
            "The same for the server API. Redis does nothing else while it reads them.",
            \.limits.maxAPIPresenceMembers),
        bytes(
            "max-api-body-bytes", 1_024...1_073_741_824, default: defaults.limits.maxAPIBodyBytes,
            "One request body on the admin port.", \.limits.maxAPIBodyBytes),
        integer(
            "retry-after", 0...3_600, default: defaults.limits.retryAfterSeconds,
            "Seconds after which a refused client may return; up to twice as many at random.",
            \.limits.retryAfterSeconds),
    ]

    private static let timeouts: [Setting] = [
        duration(
            "handshake-timeout", .milliseconds(50)...(.seconds(300)), default: defaults.limits.handshakeTimeout,
            "From accept to a complete request.", \.limits.handshakeTimeout),
        duration(
            "first-command-timeout", .milliseconds(50)...(.seconds(300)),
            default: defaults.limits.firstCommandTimeout, "From the upgrade to 'connect'; then close 3502.",
            \.limits.firstCommandTimeout),
        duration(
            "socketio-connect-timeout", .seconds(1)...(.seconds(300)), default: defaults.limits.socketIOConnectTimeout,
            "From the beginning of a Socket.IO connection to its first namespace, whole seconds; then close 3502.",
            \.limits.socketIOConnectTimeout),
        duration(
            "message-timeout", .milliseconds(50)...(.seconds(3_600)), default: defaults.limits.messageTimeout,
            "From the first byte of a client's message to its last; then close 3100.", \.limits.messageTimeout),
        duration(
            "stomp-ack-timeout", .seconds(4)...(.seconds(3_600)), default: defaults.limits.ackTimeout,
            "From a message of STOMP to its ACK, whole seconds; then it is sent again, up to a quarter later.",
            \.limits.ackTimeout),
        duration(
            "close-timeout", .milliseconds(50)...(.seconds(60)), default: defaults.limits.closeTimeout,
            "From our close frame to the client's; then the socket is closed.", \.limits.closeTimeout),
    ]

    private static let http: [Setting] = [
        bytes(
            "max-header-field-bytes", 256...1_048_576, default: defaults.limits.maxHeaderFieldBytes,
            "One header field of a request.", \.limits.maxHeaderFieldBytes),
        bytes(
            "max-header-bytes", 512...4_194_304, default: defaults.limits.maxHeaderListBytes,
            "All header fields of a request.", \.limits.maxHeaderListBytes),
        integer(
            "max-header-fields", 8...1_024, default: defaults.limits.maxHeaderFields,
            "Number of header fields of a request.", \.limits.maxHeaderFields),
    ]
}
