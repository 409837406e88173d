import NIOCore
import Support

/// Bytes as text, for fixtures and for `redis-cli`, which takes no zero bytes as arguments.
enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func bytes(_ text: some StringProtocol) -> [UInt8] {
        var digits = text.utf8.makeIterator()
        var bytes: [UInt8] = []
        while let high = digits.next(), let low = digits.next() {
            bytes.append(value(high) << 4 | value(low))
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8 {
        digit >= UInt8(ascii: "a") ? digit - UInt8(ascii: "a") + 10 : digit &- UInt8(ascii: "0")
    }
}

extension RedisServer {
    /// Runs a command whose last arguments are any bytes. Returns what Redis says.
    @discardableResult
    func command(_ arguments: [String], bytes: [[UInt8]]) async throws -> String {
        try await tool(
            [
                "-p", "\(port)", "EVAL",
                """
                local call = {}
                for i = 2, 1 + tonumber(ARGV[1]) do call[#call + 1] = ARGV[i] end
                for i = 2 + tonumber(ARGV[1]), #ARGV do
                  call[#call + 1] = string.gsub(ARGV[i], '..', function(digits) return string.char(tonumber(digits, 16)) end)
                end
                return redis.call(unpack(call))
                """, "0", "\(arguments.count)",
            ] + arguments + bytes.map(Hexadecimal.text))
    }

    /// PUBLISH of any bytes.
    func publish(_ channel: String, _ bytes: [UInt8]) async throws {
        try await command(["PUBLISH", channel], bytes: [bytes])
    }
}
