/// What is done to a running cluster.
package enum Fault: String, Sendable, CaseIterable, Encodable {
    /// redis-server is killed and comes back with its data.
    case redisKilled = "redis-killed"
    /// redis-server is killed and comes back empty: clients must be told.
    case redisEmptied = "redis-emptied"
    /// redis-server is frozen for several probes.
    case redisFrozen = "redis-frozen"
    /// Redis cuts subscribing links whose output buffer is above its limit.
    case bufferKick = "buffer-kick"
    /// CLIENT KILL for the publishing links.
    case linksKilled = "links-killed"
    /// CLIENT KILL for all links, several times.
    case allLinksKilled = "all-links-killed"
    /// Redis takes no writes: its memory is full.
    case memoryFull = "memory-full"
    /// Redis takes no writes: it is a replica now.
    case readOnly = "read-only"
    /// Redis wants a password that nobody has.
    case wrongPassword = "wrong-password"
    /// Redis forgets the scripts.
    case scriptsFlushed = "scripts-flushed"
    /// The network between all nodes and Redis carries nothing.
    case networkCut = "network-cut"
    /// The network between one node and Redis carries nothing; the others go on.
    case nodeCut = "node-cut"
    /// A node is killed and started again.
    case nodeKilled = "node-killed"
    /// A node is frozen.
    case nodeFrozen = "node-frozen"
    /// All nodes are drained and started again, one after the other.
    case rollingRestart = "rolling-restart"

    /// Whether clients may be told to begin anew.
    package var losesData: Bool { self == .redisEmptied }

    /// Whether no node can be ready meanwhile.
    var takesReadiness: Bool {
        switch self {
        case .redisKilled, .redisEmptied, .redisFrozen, .wrongPassword, .networkCut: true
        case .bufferKick, .linksKilled, .allLinksKilled, .memoryFull, .readOnly, .scriptsFlushed, .nodeCut,
            .nodeKilled, .nodeFrozen, .rollingRestart:
            false
        }
    }
}
