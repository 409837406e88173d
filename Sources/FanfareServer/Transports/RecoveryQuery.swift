import FanfareCore
import FanfareWire

/// What a raw client's address says about where its subscription begins: `?since=<offset>.<epoch>` or `?last=N`.
enum RecoveryQuery {
    /// Why a query can't be understood; fit for the client.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - target: the request target as received.
    ///   - rules: of the channel that it names.
    static func wish(_ target: String, _ rules: ChannelRules) throws(Problem) -> RecoveryWish {
        var wish = rules.recovery == .cache ? RecoveryWish.last(1) : .none
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return wish }
        for item in target[target.utf8.index(after: mark)...].split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1] : ""
            switch parts[0] {
            case "since":
                guard let position = StreamPosition(value) else {
                    throw Problem(description: "since must be <offset>.<epoch>, as in since=42.k3vxq7ab")
                }
                wish = .since(position)
            case "last":
                guard let count = Int(value), count > 0 else {
                    throw Problem(description: "last must be a number of publications, at least 1")
                }
                wish = .last(count)
            default: continue
            }
            guard rules.history != nil else { throw Problem(description: "the channel keeps no history") }
        }
        return wish
    }
}
