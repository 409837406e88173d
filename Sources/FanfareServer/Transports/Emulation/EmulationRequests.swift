import FanfareCore
import FanfareWire

/// What a node has sent to others for its clients and waits to hear of: bounded for each session, and for each node and all of
/// them in number and in bytes. A pure state machine.
struct EmulationRequests {
    /// What waits, of one node or of all.
    struct Load: Equatable {
        fileprivate(set) var count = 0
        fileprivate(set) var bytes = 0

        /// Whether there is room: a single one is never too large.
        fileprivate func takes(_ more: Int, requests: Int, bytes most: Int) -> Bool {
            count < requests && (count == 0 || bytes + more <= most)
        }

        fileprivate mutating func add(_ count: Int, bytes: Int) {
            self.count += count
            self.bytes += bytes
        }
    }

    private var ofSession: [SessionID: Int] = [:]
    private var ofNode: [NodeID: Load] = [:]
    private(set) var all = Load()

    /// A request begins; ``end(_:bytes:)`` follows. Returns whether it may.
    mutating func begin(_ session: SessionID, bytes: Int) -> Bool {
        let own = ofSession[session] ?? 0
        var node = ofNode[session.client.node] ?? Load()
        guard own < EmulationBounds.requestsOfSession,
            node.takes(bytes, requests: EmulationBounds.requestsOfNode, bytes: EmulationBounds.bytesOfNode),
            all.takes(bytes, requests: EmulationBounds.requests, bytes: EmulationBounds.requestBytes)
        else { return false }
        node.add(1, bytes: bytes)
        ofSession[session] = own + 1
        ofNode[session.client.node] = node
        all.add(1, bytes: bytes)
        return true
    }

    /// One that began has its answer, or will not get one.
    mutating func end(_ session: SessionID, bytes: Int) {
        guard let own = ofSession[session], var node = ofNode[session.client.node] else { return }
        node.add(-1, bytes: -bytes)
        ofSession[session] = own > 1 ? own - 1 : nil
        ofNode[session.client.node] = node.count > 0 ? node : nil
        all.add(-1, bytes: -bytes)
    }
}
