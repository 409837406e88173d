import FanfareWire

/// Whether nodes that owe an answer still hear anything. Redis counts who gets a message, so a node that was killed is known long before
/// its announcements are missed. A pure state machine.
struct HearingChecks {
    /// Whether the broker's counts can be believed: an announcement is heard by its own node at least, so one that was counted as
    /// heard by nobody shows a proxy that does not count.
    private(set) var isKnown = false
    private var dueAt: UInt64 = 0
    /// Nodes that did not hear the last checks, and how many.
    private var deaf: [NodeID: Int] = [:]

    func isDue(now: UInt64) -> Bool { isKnown && dueAt <= now }

    /// A round of checks begins. Returns whom to send one.
    mutating func begin(_ awaited: Set<NodeID>, now: UInt64) -> Set<NodeID> {
        dueAt = now &+ ControlBounds.checkInterval.microseconds
        deaf = deaf.filter { awaited.contains($0.key) }
        return awaited
    }

    /// An announcement reached so many nodes.
    mutating func announced(_ receivers: Int) { isKnown = receivers > 0 }

    /// A check was heard by so many. Returns whether nobody should wait for that node any more.
    mutating func checked(_ node: NodeID, _ receivers: Int) -> Bool {
        guard receivers == 0 else {
            deaf[node] = nil
            return false
        }
        deaf[node, default: 0] += 1
        guard deaf[node, default: 0] >= ControlBounds.deafChecks else { return false }
        deaf[node] = nil
        return true
    }
}
