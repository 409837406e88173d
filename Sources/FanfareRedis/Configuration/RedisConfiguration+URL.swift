/// What is wrong with a Redis URL; names the part, never the password.
public enum RedisURLError: Error, Equatable, CustomStringConvertible {
    /// Not `redis://`, `rediss://` or `unix://`.
    case scheme
    /// No host name, or one that can't be.
    case host
    /// No number from 1 to 65535.
    case port(String)
    /// No number from 0 to 65535.
    case database(String)
    /// A broken percent escape in user or password.
    case escape
    /// No socket path.
    case path

    public var description: String {
        switch self {
        case .scheme: "must begin with redis://, rediss:// or unix://"
        case .host: "has no valid host name"
        case .port(let text): "port '\(text)' is not a number from 1 to 65535"
        case .database(let text): "database '\(text)' is not a number from 0 to 65535"
        case .escape: "user or password has a broken percent escape"
        case .path: "has no socket path, as in unix:///run/redis.sock"
        }
    }
}

extension RedisConfiguration {
    /// Reads `redis://[user[:password]@]host[:port][/database]`, the same with `rediss://` for TLS, or
    /// `unix://[user[:password]@]/path/to/socket[?db=n]`. User and password are percent-decoded; an IPv6 host stands in
    /// brackets.
    public init(url: String) throws(RedisURLError) {
        guard let separator = url.firstRange(of: "://") else { throw .scheme }
        let rest = url[separator.upperBound...]
        // A password may hold an '@' that someone forgot to escape: the last one before the path counts.
        let authorityEnd = rest.firstIndex(of: "/") ?? rest.endIndex
        let at = rest[..<authorityEnd].lastIndex(of: "@")
        let login = try Self.login(at.map { rest[..<$0] })
        let address = at.map { rest[rest.index(after: $0)...] } ?? rest
        switch url[..<separator.lowerBound].lowercased() {
        case "redis": try self.init(authority: address, tls: false, login: login)
        case "rediss": try self.init(authority: address, tls: true, login: login)
        case "unix", "redis+unix", "redis+socket": try self.init(path: address, login: login)
        default: throw .scheme
        }
    }

    private typealias Login = (user: String?, password: String?)

    private init(authority: Substring, tls: Bool, login: Login) throws(RedisURLError) {
        let parts = authority.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (host, port) = try Self.hostAndPort(parts.first ?? "")
        let database = parts.count > 1 ? try Self.database(parts[1].prefix { $0 != "?" }) : 0
        self.init(
            address: .host(host, port: port), tls: tls, user: login.user, password: login.password, database: database)
    }

    private init(path: Substring, login: Login) throws(RedisURLError) {
        let parts = path.split(separator: "?", maxSplits: 1)
        guard let file = parts.first, file.hasPrefix("/"), file.count > 1 else { throw .path }
        var database = 0
        if parts.count > 1 {
            guard parts[1].hasPrefix("db=") else { throw .database(String(parts[1])) }
            database = try Self.database(parts[1].dropFirst(3))
        }
        self.init(
            address: .path(String(file)), tls: false, user: login.user, password: login.password, database: database)
    }

    private static func login(_ text: Substring?) throws(RedisURLError) -> Login {
        guard let text else { return (nil, nil) }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = try decoded(parts.first ?? "")
        let password = parts.count > 1 ? try decoded(parts[1]) : ""
        return (user.isEmpty ? nil : user, password.isEmpty ? nil : password)
    }

    private static func hostAndPort(_ text: Substring) throws(RedisURLError) -> (String, Int) {
        var host = text
        var port = Substring("6379")
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
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "@" }) else { throw .host }
        guard let number = Int(port), (1...65_535).contains(number) else { throw .port(String(port)) }
        return (String(host), number)
    }

    private static func database(_ text: Substring) throws(RedisURLError) -> Int {
        if text.isEmpty { return 0 }
        guard let number = Int(text), (0...65_535).contains(number) else { throw .database(String(text)) }
        return number
    }

    private static func decoded(_ text: Substring) throws(RedisURLError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw .escape
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let string = String(validating: bytes, as: UTF8.self) else { throw .escape }
        return string
    }
}
