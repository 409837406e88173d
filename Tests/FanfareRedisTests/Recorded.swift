import FanfareTestKit
import Foundation

/// What earlier commits wrote into Redis (`Recorded/README.md`).
struct Recorded {
    /// Lines as words: a message's name, its channel and its bytes; a key's type, its name and what follows.
    let messages: [[String]]
    let keys: [[String]]

    init(_ commit: String) throws {
        func lines(_ file: String) throws -> [[String]] {
            let path = "\(Repository.path)/Tests/FanfareRedisTests/Recorded/\(commit)/\(file)"
            return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
                $0.split(separator: " ").map(String.init)
            }
        }
        messages = try lines("messages.txt")
        keys = try lines("keys.txt")
    }

    /// The bytes of a message.
    func message(_ name: String) throws -> [UInt8] {
        guard let line = messages.first(where: { $0[0] == name }) else { throw NotInTime(what: "a message \(name)") }
        return Hexadecimal.bytes(line[2])
    }

    /// When the keys were read, milliseconds since 1970.
    var time: Int { keys.first { $0[0] == "recorded-at" }.flatMap { Int($0[1]) } ?? 0 }

    /// Puts all keys into a Redis; times of members as far ahead of now as they were.
    func restore(into redis: RedisServer) async throws {
        for line in keys where line.count > 2 {
            let (type, key) = (line[0], line[1])
            if type == "bits" {
                for bit in line[2...] { try await redis.command(["SETBIT", key, bit, "1"], bytes: []) }
                continue
            }
            let values = line[2...].map { $0 == "." ? [] : Hexadecimal.bytes($0) }
            switch type {
            case "string": try await redis.command(["SET", key], bytes: values)
            case "hash": try await redis.command(["HSET", key], bytes: values)
            case "stream": try await redis.command(["XADD", key, line[2]], bytes: line[3...].map(Hexadecimal.bytes))
            case "zset":
                for index in stride(from: 0, to: values.count, by: 2) {
                    let score = Int(String(decoding: values[index + 1], as: UTF8.self)) ?? 0
                    let now = Int(Date().timeIntervalSince1970 * 1_000)
                    try await redis.command(["ZADD", key, "\(score - time + now)"], bytes: [values[index]])
                }
            default: throw NotInTime(what: "a way to restore a \(type)")
            }
        }
    }
}
