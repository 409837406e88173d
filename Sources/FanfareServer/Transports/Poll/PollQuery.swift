import FanfareCore
import FanfareWire

/// What a poll's address says about how long it may take: `?wait=25s`, `?wait=500ms`, `?wait=0`.
enum PollQuery {
    /// Why a query can't be understood; fit for the client.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// Below the 30 s that the strictest proxies wait for an answer.
    static let usual = Duration.seconds(25)
    /// Longer than that no proxy in its default state waits for an answer.
    static let longest = Duration.seconds(60)

    /// - Parameter target: the request target as received.
    static func wait(_ target: String) throws(Problem) -> Duration {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return usual }
        var wait = usual
        for item in target[target.utf8.index(after: mark)...].split(separator: "&") where item.hasPrefix("wait=") {
            guard let duration = duration(item.dropFirst(5)), duration <= longest else {
                throw Problem(description: "wait must be a time of at most 60s, as in wait=25s, wait=500ms or wait=0")
            }
            wait = duration
        }
        return wait
    }

    private static func duration(_ text: Substring) -> Duration? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let unit = text.utf8.dropFirst(digits.count)
        guard (1...6).contains(digits.count), let number = Int(String(Substring(digits))) else { return nil }
        if unit.elementsEqual("ms".utf8) { return .milliseconds(number) }
        return unit.isEmpty || unit.elementsEqual("s".utf8) ? .seconds(number) : nil
    }
}
