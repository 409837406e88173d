import FanfareWire

/// The clients of one event loop that can be asked for: by their id, and by their user. A client that has neither is not in it and
/// costs nothing.
///
/// Adding, removing and finding are O(1), whatever the number of a user's clients. Nothing is bounded here: the node bounds its
/// clients.
public struct ClientDirectory<Client: AnyObject> {
    /// Under what a client stands here.
    private struct Entry {
        let id: ExactText?
        let user: ExactText?
    }

    /// Most users have one client here, and no dictionary.
    private enum OfUser {
        case one(Client)
        case many([ObjectIdentifier: Client])
    }

    private var entries: [ObjectIdentifier: Entry] = [:]
    private var byID: [ExactText: Client] = [:]
    private var byUser: [ExactText: OfUser] = [:]

    public init() {}

    /// Clients that are in it.
    public var count: Int { entries.count }
    /// Users with a client here.
    public var userCount: Int { byUser.count }

    /// The client with that id.
    public subscript(id: ExactText) -> Client? { byID[id] }

    /// All clients of a user, in no order.
    public func clients(of user: ExactText) -> [Client] {
        switch byUser[user] {
        case .one(let client): [client]
        case .many(let clients): Array(clients.values)
        case nil: []
        }
    }

    /// Takes a client in; one that is in it already stands under these from now on.
    ///
    /// - Parameters:
    ///   - id: `nil` where it has none.
    ///   - user: `nil` or empty where it has none.
    public mutating func add(_ client: Client, id: ExactText?, user: ExactText?) {
        remove(client)
        let user = user.flatMap { $0.isEmpty ? nil : $0 }
        guard id != nil || user != nil else { return }
        entries[ObjectIdentifier(client)] = Entry(id: id, user: user)
        if let id { byID[id] = client }
        guard let user else { return }
        // Taken out while it is changed, so that the dictionary in it is not copied.
        switch byUser.removeValue(forKey: user) {
        case nil: byUser[user] = .one(client)
        case .one(let other):
            byUser[user] = .many([ObjectIdentifier(other): other, ObjectIdentifier(client): client])
        case .many(var clients):
            clients[ObjectIdentifier(client)] = client
            byUser[user] = .many(clients)
        }
    }

    /// Lets a client go. One that is not in it changes nothing.
    public mutating func remove(_ client: Client) {
        guard let entry = entries.removeValue(forKey: ObjectIdentifier(client)) else { return }
        if let id = entry.id, byID[id] === client { byID[id] = nil }
        guard let user = entry.user, case .many(var clients)? = byUser.removeValue(forKey: user) else { return }
        clients[ObjectIdentifier(client)] = nil
        guard let last = clients.first?.value else { return }
        byUser[user] = clients.count == 1 ? .one(last) : .many(clients)
    }
}
