/// An error by which a node of a Redis Cluster says that a slot is not its own, or not now.
enum ClusterRedirect: Equatable {
    /// The slot belongs to another node for good.
    case moved(slot: Int, RedisEndpoint)
    /// The slot is on its way, or the cluster is not whole: later.
    case later

    /// Words for what a node says without any: it ended a subscription.
    static let slotLeft = "TRYAGAIN sunsubscribe"

    /// - Parameters:
    ///   - words: of the error.
    ///   - from: who said it; it leaves out a host that is its own.
    init?(_ words: String, from: RedisEndpoint) {
        let parts = words.split(separator: " ")
        switch parts.first {
        case "MOVED":
            guard let (slot, endpoint) = Self.place(parts, from) else { return nil }
            self = .moved(slot: slot, endpoint)
        case "ASK", "TRYAGAIN", "CLUSTERDOWN":
            self = .later
        default:
            return nil
        }
    }

    /// The slot of which an error speaks.
    static func slot(_ words: String) -> Int? {
        let parts = words.split(separator: " ")
        guard parts.first == "MOVED" || parts.first == "ASK", parts.count > 1 else { return nil }
        return Int(parts[1])
    }

    private static func place(_ parts: [Substring], _ from: RedisEndpoint) -> (Int, RedisEndpoint)? {
        guard parts.count == 3, let slot = Int(parts[1]), (0..<HashSlot.count).contains(slot),
            let colon = parts[2].lastIndex(of: ":"), let port = Int(parts[2][parts[2].index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        let host = parts[2][..<colon]
        return (slot, RedisEndpoint(host: host.isEmpty ? from.host : String(host), port: port))
    }
}
