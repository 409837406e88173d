/// Which nodes hear the emitters of a Redis, as their marks say, and so whether this node publishes what it hears there.
///
/// The few with the lowest ids publish. A node that does not hear emitters makes no marks, so it is not waited for, whatever else it is
/// in the cluster. Nodes that see each other differently publish more than once, which Redis takes as one. A pure state machine.
struct EmitterPeers {
    /// Nodes that publish each event: as many as may be away at once but one.
    static let publishers = 3
    /// Nodes with lower ids that are remembered. With more this node does not publish anyway.
    static let maximum = 64

    private let own: UInt32
    /// For how long a mark counts, in microseconds.
    private let lifetime: UInt64
    /// When those with lower ids were heard last.
    private var heard: [UInt32: UInt64] = [:]

    init(own: UInt32, lifetime: UInt64) { (self.own, self.lifetime) = (own, lifetime) }

    /// A node's mark came.
    mutating func heard(_ node: UInt32, now: UInt64) {
        guard node < own, heard[node] != nil || heard.count < Self.maximum else { return }
        heard[node] = now
    }

    /// A node stops.
    mutating func left(_ node: UInt32) { heard[node] = nil }

    /// Forgets those that are silent. Now and then.
    mutating func expire(now: UInt64) {
        guard heard.contains(where: { now &- $0.value > lifetime }) else { return }
        heard = heard.filter { now &- $0.value <= lifetime }
    }

    /// Whether this node is one of those that publish.
    var publishes: Bool { heard.count < Self.publishers }
}
