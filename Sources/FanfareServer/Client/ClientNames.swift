import FanfareWire
import Synchronization

/// Names that clients chose for themselves: each has one client on this node, the one that came last. Any thread.
///
/// Nothing is bounded here: a client has at most one, and the node bounds its clients.
final class ClientNames: Sendable {
    private let clients = Mutex<[ExactText: ClientID]>([:])

    /// A client takes a name. Returns who had it until now, and has to end.
    func take(_ name: ExactText, for client: ClientID) -> ClientID? {
        let other = clients.withLock { $0.updateValue(client, forKey: name) }
        return other == client ? nil : other
    }

    /// A client has ended; the name is free unless another has taken it.
    func leave(_ name: ExactText, _ client: ClientID) {
        clients.withLock { if $0[name] == client { $0[name] = nil } }
    }

    /// Names that are taken.
    var count: Int { clients.withLock(\.count) }
}

extension Client {
    /// The name that the client chose, and its id; `nil`: it chose none.
    private var named: (name: ExactText, id: ClientID)? {
        guard let name = session.ownName, let id = session.clientID.flatMap({ ClientID($0) }) else { return nil }
        return (name, id)
    }

    /// Ends the client that has its name.
    func takeName() {
        guard let named, let other = loop.node.names.take(named.name, for: named.id) else { return }
        loop.node.commands.end(other, .takenOver)
    }

    /// Gives its name back. Safe to call again.
    func leaveName() { if let named { loop.node.names.leave(named.name, named.id) } }
}
