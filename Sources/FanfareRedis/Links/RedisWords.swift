/// What Redis, or whatever answers in its place, said of an error, fit for `/readyz` and the log.
///
/// A server quotes what it does not know: `-ERR unknown command 'AUTH', with args beginning with: 'user' 'secret'`. So the
/// words lose the arguments, everything in quotes that is not a command's name, what the configuration keeps secret, control
/// characters, and all beyond ``RedisBounds/errorBytes``. Clients never get them, see `BrokerError.refused`.
struct RedisWords: Sendable, Equatable, CustomStringConvertible {
    /// Stands for what is left out.
    static let mask = "***"

    let description: String

    /// - Parameters:
    ///   - words: as they came.
    ///   - secrets: texts that must not be shown, wherever they stand.
    init(_ words: String, hiding secrets: [String]) {
        var bytes = Array(words.utf8.prefix(4 * RedisBounds.errorBytes))
        // Longest first: one secret may hold another.
        for secret in secrets.sorted(by: { $0.utf8.count > $1.utf8.count }) where !secret.isEmpty {
            bytes = Self.replacing(Array(secret.utf8), in: bytes)
        }
        if let start = Self.firstIndex(of: Array("with args".utf8), in: bytes) {
            bytes = Array(bytes[..<start]) + Array("with args \(Self.mask)".utf8)
        }
        bytes = Self.withoutQuotes(bytes, secrets: secrets)
        let isCut = bytes.count > RedisBounds.errorBytes
        let shown = bytes.prefix(RedisBounds.errorBytes).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 }
        description = String(decoding: shown, as: UTF8.self) + (isCut ? "…" : "")
    }

    /// Replaces what is in quotes, unless it is the name of a command that the node sends. An open quote runs to the end.
    private static func withoutQuotes(_ bytes: [UInt8], secrets: [String]) -> [UInt8] {
        var (output, index) = ([UInt8](), 0)
        while index < bytes.count {
            let quote = bytes[index]
            output.append(quote)
            index += 1
            guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "`"),
                !isApostrophe(bytes, at: index - 1)
            else { continue }
            let end = bytes[index...].firstIndex(of: quote)
            let inside = bytes[index..<(end ?? bytes.count)]
            output += isCommand(inside) && end != nil ? Array(inside) : Array(mask.utf8)
            if let end {
                output.append(quote)
                index = end + 1
            } else {
                index = bytes.count
            }
        }
        return output
    }

    /// Whether a quote is the one of `can't`.
    private static func isApostrophe(_ bytes: [UInt8], at index: Int) -> Bool {
        index > 0 && index + 1 < bytes.count && isLetter(bytes[index - 1]) && isLetter(bytes[index + 1])
            && bytes[index] == UInt8(ascii: "'")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isCommand(_ name: ArraySlice<UInt8>) -> Bool {
        commands.contains(String(decoding: name.map { $0 >= 0x61 && $0 <= 0x7A ? $0 - 0x20 : $0 }, as: UTF8.self))
    }

    /// Commands of the node and of its scripts, as error messages name them.
    private static let commands: Set<String> = [
        "AUTH", "SELECT", "CLIENT", "CLIENT|SETNAME", "ROLE", "PING", "INFO", "SCRIPT", "SCRIPT|LOAD", "EVAL",
        "EVALSHA",
        "PUBLISH", "SPUBLISH", "SUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "SUNSUBSCRIBE", "SENTINEL", "CLUSTER",
        "CLUSTER|SLOTS", "CLUSTER|INFO", "XADD", "XRANGE", "XREVRANGE", "XTRIM", "XLEN", "XINFO", "XINFO|STREAM",
        "XDEL",
        "XSETID", "HGET", "HSET", "HDEL", "HGETALL", "HMGET", "HVALS", "HLEN", "HEXISTS", "HINCRBY", "HSCAN", "ZADD",
        "ZREM", "ZRANGE", "ZRANGEBYSCORE", "ZCARD", "ZSCORE", "GET", "SET", "DEL", "UNLINK", "EXISTS", "EXPIRE",
        "PEXPIRE", "INCR", "TIME", "ACL", "ACL|WHOAMI", "ACL|DRYRUN",
    ]

    private static func replacing(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var (output, index) = ([UInt8](), 0)
        while index < bytes.count {
            if bytes[index...].starts(with: secret) {
                output += Array(mask.utf8)
                index += secret.count
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return output
    }

    private static func firstIndex(of part: [UInt8], in bytes: [UInt8]) -> Int? {
        bytes.indices.first { bytes[$0...].starts(with: part) }
    }
}

extension RedisConfiguration {
    /// Words of the server at the other end, without what this configuration keeps secret.
    func showing(_ words: String) -> RedisWords { RedisWords(words, hiding: secrets) }

    /// Passwords, and the users that go with them.
    var secrets: [String] {
        var secrets = [user, password].compactMap(\.self)
        if case .sentinel(let sentinels) = address {
            secrets += [sentinels.user, sentinels.password].compactMap(\.self)
        }
        return secrets
    }
}
