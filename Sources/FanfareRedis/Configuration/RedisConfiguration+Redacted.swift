extension RedisConfiguration {
    /// The address without secrets, for logs.
    public var redactedURL: String {
        let database = self.database == 0 ? "" : "/\(self.database)"
        let scheme = tls ? "rediss" : "redis"
        let login = Self.redacted(user: user, password: password)
        return switch address {
        case .path(let path): "unix://\(login)\(path)" + (self.database == 0 ? "" : "?db=\(self.database)")
        case .host(let host, let port): "\(scheme)://\(login)\(RedisEndpoint(host: host, port: port))\(database)"
        case .sentinel(let sentinels):
            "\(scheme)+sentinel://\(login)\(Self.list(sentinels.endpoints))/\(sentinels.master)\(database)"
                + Self.redacted(sentinels)
        case .cluster(let seeds): "\(scheme)+cluster://\(login)\(Self.list(seeds))"
        }
    }

    private static func list(_ endpoints: [RedisEndpoint]) -> String {
        endpoints.map(\.description).joined(separator: ",")
    }

    private static func redacted(user: String?, password: String?) -> String {
        switch (user, password) {
        case (nil, nil): ""
        case (let user, nil): "\(user ?? "")@"
        case (let user, _): "\(user ?? ""):***@"
        }
    }

    private static func redacted(_ sentinels: RedisSentinels) -> String {
        let options = [
            sentinels.user.map { "sentinel-user=\($0)" }, sentinels.password.map { _ in "sentinel-password=***" },
        ].compactMap(\.self)
        return options.isEmpty ? "" : "?" + options.joined(separator: "&")
    }
}
