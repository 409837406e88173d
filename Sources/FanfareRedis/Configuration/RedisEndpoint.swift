import FanfareWire

/// Host and port of a Redis or sentinel.
public struct RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address; an IPv6 address without brackets.
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// As in a URL.
    public var description: String { Authority.text(host: host, port: port) }
}

/// The sentinels that know where a master is.
public struct RedisSentinels: Sendable, Equatable {
    /// What the sentinels call the master.
    public var master: String
    /// Asked in turn, beginning with the one that answered last.
    public var endpoints: [RedisEndpoint]
    /// ACL user at the sentinels.
    public var user: String?
    /// Secret: shown nowhere. The sentinels' own; `nil`: they ask for none.
    public var password: String?

    public init(master: String, endpoints: [RedisEndpoint], user: String? = nil, password: String? = nil) {
        self.master = master
        self.endpoints = endpoints
        self.user = user
        self.password = password
    }
}
