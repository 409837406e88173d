import FanfareTestKit

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
