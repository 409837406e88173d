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
    static func wish(_ target: String, _ rules: ChannelRules) throws(Problem) -> RecoveryRequest {
        var wish = rules.recovery == .cache ? RecoveryRequest.last(1) : .none
        for item in QueryItems(target) {
            if item.name.elementsEqual("since".utf8) {
                guard let position = StreamPosition(Substring(item.value)) else {
                    throw Problem(description: "since must be <offset>.<epoch>, as in since=42.k3vxq7ab")
                }
                wish = .since(position)
            } else if item.name.elementsEqual("last".utf8) {
                wish = .last(try count(item.value))
            } else {
                continue
            }
            guard rules.history != nil else { throw Problem(description: "the channel keeps no history") }
        }
        return wish
    }

    /// How many publications `?last=` asks for.
    static func count(_ text: Substring.UTF8View) throws(Problem) -> Int {
        guard let count = Int(String(Substring(text))), count > 0 else {
            throw Problem(description: "last must be a number of publications, at least 1")
        }
        return count
    }
}
