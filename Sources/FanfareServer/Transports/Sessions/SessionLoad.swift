import FanfareWire

/// What a request wants of a session on another node. Receivers wait by nature, bodies are to get through beside them.
enum SessionRequestKind: Sendable {
    case receiver
    case body
}

/// What a node's requests wait for at other nodes: bounded altogether and for each address. A pure state machine.
struct SessionLoad: Sendable {
    private var abroad = AddressCount(limit: SessionBounds.abroad, each: SessionBounds.abroadOfAddress)
    private var receivers = AddressCount(
        limit: SessionBounds.abroadReceivers, each: SessionBounds.abroadReceiversOfAddress)
    private var searches = AddressCount(limit: SessionBounds.searches, each: SessionBounds.searchesOfAddress)

    /// A request waits for a session on another node; ``leaveAbroad(_:_:)`` follows. Returns whether it may.
    ///
    /// - Parameter address: `nil`: it is only counted with all.
    mutating func enterAbroad(_ kind: SessionRequestKind, _ address: ClientAddress?) -> Bool {
        guard kind == .body || receivers.enter(address) else { return false }
        guard abroad.enter(address) else {
            if kind == .receiver { receivers.leave(address) }
            return false
        }
        return true
    }

    mutating func leaveAbroad(_ kind: SessionRequestKind, _ address: ClientAddress?) {
        abroad.leave(address)
        if kind == .receiver { receivers.leave(address) }
    }

    /// A session is searched for; ``leaveSearch(_:)`` follows. Returns whether it may be.
    mutating func enterSearch(_ address: ClientAddress?) -> Bool { searches.enter(address) }
    mutating func leaveSearch(_ address: ClientAddress?) { searches.leave(address) }
}

/// Requests of other nodes that wait at this one: bounded altogether and for each node. A pure state machine.
struct SessionAnswering: Sendable {
    private var all = ShareCount<NodeID>(limit: SessionBounds.answering, each: SessionBounds.answeringOfNode)
    private var receivers = ShareCount<NodeID>(
        limit: SessionBounds.answeringReceivers, each: SessionBounds.answeringReceiversOfNode)
    /// Requests that were refused for it.
    private(set) var refused = 0

    /// How many wait.
    var count: Int { all.count }

    /// A node's request begins to wait; ``leave(_:_:)`` follows. Returns whether it may.
    mutating func enter(_ kind: SessionRequestKind, _ node: NodeID) -> Bool {
        if kind == .body || receivers.enter(node) {
            if all.enter(node) { return true }
            if kind == .receiver { receivers.leave(node) }
        }
        refused += 1
        return false
    }

    mutating func leave(_ kind: SessionRequestKind, _ node: NodeID) {
        all.leave(node)
        if kind == .receiver { receivers.leave(node) }
    }
}

typealias AddressCount = ShareCount<ClientAddress>

/// Places of which each owner has a share.
struct ShareCount<Owner: Hashable & Sendable>: Sendable {
    let limit: Int
    /// Most of one owner.
    let each: Int
    private(set) var count = 0
    private var byOwner: [Owner: Int] = [:]

    init(limit: Int, each: Int) { (self.limit, self.each) = (limit, each) }

    /// - Parameter owner: `nil`: it is only counted with all.
    mutating func enter(_ owner: Owner?) -> Bool {
        guard count < limit else { return false }
        if let owner {
            guard byOwner[owner, default: 0] < each else { return false }
            byOwner[owner, default: 0] += 1
        }
        count += 1
        return true
    }

    mutating func leave(_ owner: Owner?) {
        count -= 1
        guard let owner, let own = byOwner[owner] else { return }
        byOwner[owner] = own > 1 ? own - 1 : nil
    }
}
