/// Who owns which slot of a Redis Cluster.
struct ClusterMap: Equatable {
    /// Index into ``masters`` by slot; -1: nobody.
    private var owners = [Int16](repeating: -1, count: HashSlot.count)
    private(set) var masters: [RedisEndpoint] = []
    /// Masters and replicas: whom to ask for the next map.
    private(set) var nodes: [RedisEndpoint] = []

    /// Nobody owns anything.
    init() {}

    /// Reads the answer to CLUSTER SLOTS; `nil` when it is none.
    ///
    /// - Parameter asked: who gave it; a node that does not know its own name leaves it out.
    init?(_ answer: RedisValue, asked: RedisEndpoint) {
        // More ranges than slots are no map: their masters would not fit an index, and filling them in would take long.
        guard case .array(let ranges) = answer, ranges.count <= HashSlot.count else { return nil }
        for range in ranges {
            guard let first = range[0].integer, let last = range[1].integer, first >= 0, first <= last,
                last < HashSlot.count, let master = Self.endpoint(range[2], asked: asked)
            else { return nil }
            let index = index(of: master)
            for slot in first...last { owners[slot] = index }
            let replicas = range.elements.dropFirst(3).compactMap { Self.endpoint($0, asked: asked) }
            for node in [master] + replicas where !nodes.contains(node) { nodes.append(node) }
        }
    }

    /// Slots without an owner.
    var openSlots: Int { owners.count { $0 < 0 } }

    /// The owner of a slot.
    subscript(slot: Int) -> RedisEndpoint? {
        let index = owners[slot]
        return index < 0 ? nil : masters[Int(index)]
    }

    /// A node said who owns that slot now. Returns whether that is news.
    mutating func move(_ slot: Int, to endpoint: RedisEndpoint) -> Bool {
        guard (0..<HashSlot.count).contains(slot), self[slot] != endpoint else { return false }
        owners[slot] = index(of: endpoint)
        if !nodes.contains(endpoint) { nodes.append(endpoint) }
        return true
    }

    private mutating func index(of master: RedisEndpoint) -> Int16 {
        if let index = masters.firstIndex(of: master) { return Int16(index) }
        masters.append(master)
        return Int16(masters.count - 1)
    }

    private static func endpoint(_ node: RedisValue, asked: RedisEndpoint) -> RedisEndpoint? {
        guard let port = node[1].integer, (1...65_535).contains(port) else { return nil }
        let host = node[0].text ?? ""
        return RedisEndpoint(host: host.isEmpty || host == "?" ? asked.host : host, port: port)
    }
}
