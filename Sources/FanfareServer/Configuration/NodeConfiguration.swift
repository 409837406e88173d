import FanfareAuth
import FanfareCore
import FanfareRedis
import Logging

/// Everything that can be set about a node; checked and complete, immutable after start.
public struct NodeConfiguration: Sendable {
    /// What clients without credentials may do.
    public enum Anonymous: String, Sendable, CaseIterable {
        /// Nothing: they are refused.
        case none
        /// Connect and listen.
        case subscribe
        /// Connect, listen and publish.
        case publish
    }

    /// What clients with a token may do, where its `caps` says nothing.
    public enum Users: String, Sendable, CaseIterable {
        /// Connect and listen.
        case subscribe
        /// Connect, listen and publish.
        case publish
    }

    /// Address for clients: an IP address or a name; all interfaces by default.
    public var host = "0.0.0.0"
    /// Port for clients; 0: a free one.
    public var port = 8_000
    /// Address for the operator, never for clients.
    public var adminHost = "127.0.0.1"
    /// Port for the operator; 0: a free one.
    public var adminPort = 9_000
    /// Certificate and key of the public port; `nil`: it speaks plain HTTP. Put together by ``ConfigurationReader``.
    public var tls: TLSFiles?
    /// Between two looks for a newer certificate; 0: none, only SIGHUP.
    public var tlsReloadInterval = Duration.seconds(10)
    /// Whether clients over TLS may speak HTTP/2.
    public var http2 = true
    /// The cluster's Redis, or several that share the channels; none: the node stands alone with the broker in memory.
    public var redis: [RedisConfiguration] = []
    /// By which clients and operators know the node; fit for a header field.
    public var nodeName = "fanfare"
    /// Event loops, one thread each.
    public var loops = 1
    /// What the node takes before it refuses.
    public var limits = Limits()
    /// How the node finds clients that are gone.
    public var keepAlive = KeepAlive()
    /// Over which time a drain spreads the closes of its clients.
    public var drain = Duration.seconds(10)
    /// Whether anonymous clients may do everything, for a first try.
    public var dev = false
    /// What clients without credentials may do while ``dev`` is off; see ``effectiveAnonymous``.
    public var anonymous = Anonymous.none
    /// Which tokens are believed.
    public var tokens = TokenConfiguration()
    /// What clients with a token may do; publishing is closed unless the operator opens it.
    public var users = Users.subscribe
    /// Cookie in which a token may come.
    public var tokenCookie: String?
    /// Whether a token may come in the query.
    public var tokenInQuery = false
    /// The keys of the server API.
    public var adminKeys = AdminKeys.none
    /// Whether the operator wants the admin port open to other machines without a key.
    public var adminInsecure = false
    /// Further names of the admin port's host, as ``AdminGate/read(_:)`` takes them.
    public var adminNames = ""
    /// Pages of which browsers may connect, as ``OriginPolicy`` reads them; empty: those of the same host.
    public var allowedOrigins = ""
    /// What that comes to. Read from it by ``ConfigurationReader``.
    var origins = OriginPolicy.sameHost
    /// Machines that are believed about whose requests they bring, as ``TrustedNetworks`` reads it.
    public var trustedProxies = "loopback"
    /// What that comes to. Read from it by ``ConfigurationReader``.
    var trusted = TrustedNetworks.loopback
    /// Where they say it.
    var clientAddress = ForwardedPath.Source.xForwardedFor
    /// How channels behave, as ``NamespaceText`` reads it; empty: all have the default rules.
    public var namespaces = ""
    /// What that comes to. Read from it by ``ConfigurationReader``.
    public var channels = ChannelRulebook()
    /// How long the members of a dead node stay in their channels; the same on all nodes.
    public var presenceTTL = Duration.seconds(60)
    /// What is logged: this level and more severe ones.
    public var logLevel = Logger.Level.info
    /// Whether deliveries go straight to the socket; off: through NIO's write path.
    public var directWrite = true
    /// How long publications may wait for more, so that one write carries them all; 0: none waits.
    public var writeDelay = Duration.zero

    /// permessage-deflate.
    public var compression = Compression()
    /// How the node speaks SockJS.
    public var sockJS = SockJSOptions()
    /// Where clients of Socket.IO connect; empty: nowhere.
    public var socketIOPath = "/socket.io"
    /// Which emitters of Socket.IO the node hears.
    public var emitters = EmitterOptions()
    /// Whether every WebSocket gets its own messages back and nothing else: no setting, only for `fanfare echo`.
    public var echo = false
    /// Whether there are the services that SockJS' conformance suite drives: no setting, only for `fanfare echo`.
    public var sockJSEcho = false

    public init() {}

    /// Where Redis is, without secrets.
    var redactedRedis: String { redis.map(\.redactedURL).joined(separator: " ") }

    /// What anonymous clients may do, `dev` considered.
    public var effectiveAnonymous: Anonymous { dev ? .publish : anonymous }

    /// `proxy_read_timeout` of the nginx configuration that ships with Fanfare: a client that is silent for longer is cut
    /// by nginx, so pings must come more often.
    public static let shippedProxyTimeout = Duration.seconds(75)
}
