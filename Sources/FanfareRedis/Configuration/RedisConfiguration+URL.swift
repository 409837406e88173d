import FanfareWire

extension RedisConfiguration {
    /// Reads one of these; with `rediss` in place of `redis` the links use TLS:
    ///
    /// - `redis://[user[:password]@]host[:port][/database]`
    /// - `unix://[user[:password]@]/path/to/socket[?db=n]`
    /// - `redis+sentinel://[user[:password]@]host[:port][,…]/master[/database][?sentinel-password=…]`
    /// - `redis+cluster://[user[:password]@]host[:port][,…]`
    ///
    /// User, password and the master's name are percent-decoded; an IPv6 host stands in brackets.
    public init(url: String) throws(RedisURLError) {
        guard let separator = url.firstRange(of: "://") else { throw .scheme }
        let rest = url[separator.upperBound...]
        // A password may hold an '@' that someone forgot to escape: the last one before the path counts.
        let authorityEnd = rest.firstIndex(of: "/") ?? rest.endIndex
        let at = rest[..<authorityEnd].lastIndex(of: "@")
        let login = try Self.login(at.map { rest[..<$0] })
        let address = at.map { rest[rest.index(after: $0)...] } ?? rest
        let scheme = url[..<separator.lowerBound].lowercased()
        switch scheme {
        case "redis", "rediss": try self.init(authority: address, login: login)
        case "unix", "redis+unix", "redis+socket": try self.init(path: address, login: login)
        case "redis+sentinel", "rediss+sentinel": try self.init(sentinels: address, login: login)
        case "redis+cluster", "rediss+cluster": try self.init(cluster: address, login: login)
        default: throw .scheme
        }
        tls = scheme.hasPrefix("rediss")
    }

    /// Reads several URLs with white space between them: isolated instances that share the channels.
    public static func list(_ text: String) throws(RedisURLError) -> [RedisConfiguration] {
        var list: [RedisConfiguration] = []
        for url in text.split(whereSeparator: \.isWhitespace) {
            let configuration = try RedisConfiguration(url: String(url))
            // Two databases of one Redis are one Pub/Sub.
            guard !list.contains(where: { $0.address == configuration.address }) else { throw .duplicate }
            list.append(configuration)
        }
        guard !list.isEmpty else { throw .scheme }
        return list
    }

    private typealias Login = (user: String?, password: String?)

    private init(address: Address, login: Login, database: Int = 0) {
        self.init(address: address, tls: false, user: login.user, password: login.password, database: database)
    }

    private init(authority: Substring, login: Login) throws(RedisURLError) {
        let parts = authority.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let endpoint = try Self.endpoint(parts.first ?? "", defaultPort: 6379)
        let database = parts.count > 1 ? try Self.database(parts[1].prefix { $0 != "?" }) : 0
        self.init(address: .host(endpoint.host, port: endpoint.port), login: login, database: database)
    }

    private init(path: Substring, login: Login) throws(RedisURLError) {
        let parts = path.split(separator: "?", maxSplits: 1)
        guard let file = parts.first, file.hasPrefix("/"), file.count > 1 else { throw .path }
        var database = 0
        if parts.count > 1 {
            guard parts[1].hasPrefix("db=") else { throw .database(String(parts[1])) }
            database = try Self.database(parts[1].dropFirst(3))
        }
        self.init(address: .path(String(file)), login: login, database: database)
    }

    private init(sentinels text: Substring, login: Login) throws(RedisURLError) {
        let halves = text.split(separator: "?", maxSplits: 1)
        let parts = (halves.first ?? "").split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        let endpoints = try Self.endpoints(parts.first ?? "", defaultPort: 26_379)
        guard parts.count > 1, let master = PercentEncoding.decoded(parts[1].utf8), !master.isEmpty else {
            throw .masterName
        }
        var sentinels = RedisSentinels(master: master, endpoints: endpoints)
        for option in halves.count > 1 ? halves[1].split(separator: "&") : [] {
            let pair = option.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { throw .option }
            switch pair[0] {
            case "sentinel-user": sentinels.user = try Self.decoded(pair[1])
            case "sentinel-password": sentinels.password = try Self.decoded(pair[1])
            default: throw .option
            }
        }
        let database = parts.count > 2 ? try Self.database(parts[2]) : 0
        self.init(address: .sentinel(sentinels), login: login, database: database)
    }

    private init(cluster text: Substring, login: Login) throws(RedisURLError) {
        let parts = text.split(separator: "/", maxSplits: 1)
        guard parts.count <= 1 else { throw .clusterDatabase }
        self.init(address: .cluster(try Self.endpoints(parts.first ?? "", defaultPort: 6379)), login: login)
    }
}

/// The parts of a URL.
extension RedisConfiguration {
    private static func login(_ text: Substring?) throws(RedisURLError) -> Login {
        guard let text else { return (nil, nil) }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = try decoded(parts.first ?? "")
        let password = parts.count > 1 ? try decoded(parts[1]) : ""
        return (user.isEmpty ? nil : user, password.isEmpty ? nil : password)
    }

    private static func endpoints(_ text: Substring, defaultPort: Int) throws(RedisURLError) -> [RedisEndpoint] {
        var endpoints: [RedisEndpoint] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            endpoints.append(try endpoint(part, defaultPort: defaultPort))
        }
        return endpoints
    }

    private static func endpoint(_ text: Substring, defaultPort: Int) throws(RedisURLError) -> RedisEndpoint {
        var host = text
        var port = Substring("\(defaultPort)")
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw .host }
            host = text[text.index(after: text.startIndex)..<end]
            let after = text[text.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .host }
            if after.count > 1 { port = after.dropFirst() }
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || "@,?".contains($0) }) else { throw .host }
        guard let number = Int(port), (1...65_535).contains(number) else { throw .port(String(port)) }
        return RedisEndpoint(host: String(host), port: number)
    }

    private static func database(_ text: Substring) throws(RedisURLError) -> Int {
        if text.isEmpty { return 0 }
        guard let number = Int(text), (0...65_535).contains(number) else { throw .database(String(text)) }
        return number
    }

    private static func decoded(_ text: Substring) throws(RedisURLError) -> String {
        guard let string = PercentEncoding.decoded(text.utf8) else { throw .escape }
        return string
    }
}
