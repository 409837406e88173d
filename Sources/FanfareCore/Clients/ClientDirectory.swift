import FanfareWire

/// The clients of one event loop that can be asked for: by their id, and by their user. A client that has neither is not in it and
/// costs nothing.
///
/// Adding, removing and finding are O(1), whatever the number of a user's clients. Nothing is bounded here: the node bounds its
/// clients.
public struct ClientDirectory<Client: AnyObject> {
    /// Most users have one client here, and no dictionary.
    private enum OfUser {
        case one(Client)
        case many([ObjectIdentifier: Client])
    }

    private var byID: [ExactText: Client] = [:]
    private var byUser: [ExactText: OfUser] = [:]

    public init() {}

    /// Clients with an id.
    public var count: Int { byID.count }
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

    /// Takes a client in.
    ///
    /// - Parameters:
    ///   - id: `nil` where it has none; no other client here may have the same.
    ///   - user: `nil` or empty where it has none.
    public mutating func add(_ client: Client, id: ExactText?, user: ExactText?) {
        if let id { byID[id] = client }
        guard let user, !user.isEmpty else { return }
        switch byUser[user] {
        case nil: byUser[user] = .one(client)
        case .one(let other) where other !== client:
            byUser[user] = .many([ObjectIdentifier(other): other, ObjectIdentifier(client): client])
        case .one: break
        case .many(var clients):
            byUser[user] = nil
            clients[ObjectIdentifier(client)] = client
            byUser[user] = .many(clients)
        }
    }

    /// Lets a client go, by the same id and user with which it came. One that is not in it, or whose id is another's by now,
    /// changes nothing.
    public mutating func remove(_ client: Client, id: ExactText?, user: ExactText?) {
        if let id, byID[id] === client { byID[id] = nil }
        guard let user else { return }
        switch byUser[user] {
        case .one(let only) where only === client: byUser[user] = nil
        case .many(var clients):
            byUser[user] = nil
            clients[ObjectIdentifier(client)] = nil
            if let last = clients.first?.value {
                byUser[user] = clients.count == 1 ? .one(last) : .many(clients)
            }
        default: break
        }
    }
}
