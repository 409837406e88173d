import FanfareWire

/// On which nodes those sessions are that were searched for and found: the newest, in two generations of half as many. A pure state
/// machine.
struct SessionRoutes: Sendable {
    private var young: [ExactText: NodeID] = [:]
    private var old: [ExactText: NodeID] = [:]

    subscript(name: ExactText) -> NodeID? { young[name] ?? old[name] }

    mutating func add(_ name: ExactText, _ node: NodeID) {
        if young.count >= SessionBounds.routes / 2 { (old, young) = (young, [:]) }
        young[name] = node
    }

    mutating func forget(_ name: ExactText) {
        young[name] = nil
        old[name] = nil
    }
}
