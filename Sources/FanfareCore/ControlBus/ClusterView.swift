import FanfareWire

/// A node as the others see it.
public struct ClusterNode: Sendable, Equatable {
    public let id: NodeID
    /// What its operator calls it.
    public let name: ExactText
    /// The release that it runs.
    public let version: ExactText
    /// Microseconds since 1970 by its own clock.
    public let startedAt: UInt64
    /// When it was heard last: microseconds of this node's monotonic clock.
    public internal(set) var seenAt: UInt64

    public init(id: NodeID, name: ExactText, version: ExactText, startedAt: UInt64, seenAt: UInt64 = 0) {
        self.id = id
        self.name = name
        self.version = version
        self.startedAt = startedAt
        self.seenAt = seenAt
    }

    private enum Field {
        static let name: UInt16 = 1
        static let version: UInt16 = 2
        static let startedAt: UInt16 = 3
    }

    /// An announcement of it; `nil` for what is none.
    init?(id: NodeID, _ fields: ControlFields, now: UInt64) {
        guard let name = fields[text: Field.name], let version = fields[text: Field.version],
            name.utf8.count <= ControlBounds.nameBytes, version.utf8.count <= ControlBounds.nameBytes
        else { return nil }
        self.init(
            id: id, name: name, version: version, startedAt: fields[number: Field.startedAt] ?? 0, seenAt: now)
    }

    /// What it announces.
    var fields: ControlFields {
        var fields = ControlFields()
        fields[text: Field.name] = name
        fields[text: Field.version] = version
        fields[number: Field.startedAt] = startedAt
        return fields
    }

    /// Whether an announcement is of the same run of the same node.
    func isSame(as other: ClusterNode) -> Bool { id == other.id && startedAt == other.startedAt && name == other.name }
}

/// The nodes of the cluster, as far as this one hears of them. A pure state machine.
struct ClusterView {
    private struct Entry {
        var node: ClusterNode
        /// Own announcements that came back since its last one.
        var missed = 0
    }

    /// What an announcement was.
    enum Heard: Equatable {
        /// Of a node that was not in view.
        case new
        case known
        /// Our own.
        case own
        /// Of another node that has our id.
        case conflict
        /// Too many nodes are in view.
        case refused
    }

    let own: ClusterNode
    private var entries: [NodeID: Entry] = [:]
    /// When the first of our own announcements that came back was sent; `nil`: none is back.
    private var firstReturn: UInt64?
    /// Nodes that said that they go while the view was young.
    private var departed: Set<NodeID> = []
    /// Whether nodes may be there that were not heard of yet: between two announcements of our own that are as far apart as those of
    /// every node, each has announced itself. Where the broker comes and goes, two may be much closer.
    private(set) var isYoung: Bool

    /// - Parameter isAlone: whether there can be no other node.
    init(own: ClusterNode, isAlone: Bool = false) {
        self.own = own
        isYoung = !isAlone
        entries[own.id] = Entry(node: own)
    }

    /// All nodes, this one among them, by their names.
    var nodes: [ClusterNode] {
        entries.values.map(\.node).sorted {
            $0.name == $1.name ? $0.id.rawValue < $1.id.rawValue : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }

    var ids: Set<NodeID> { Set(entries.keys) }
    var count: Int { entries.count }

    func contains(_ id: NodeID) -> Bool { entries[id] != nil }

    /// Whether a node that is not in view may be there all the same.
    func mayHide(_ id: NodeID) -> Bool { isYoung && !contains(id) && !departed.contains(id) }

    mutating func heard(_ node: ClusterNode) -> Heard {
        guard node.id != own.id else {
            guard node.isSame(as: own) else { return .conflict }
            entries[own.id]?.node.seenAt = node.seenAt
            return .own
        }
        let isNew = entries[node.id] == nil
        guard !isNew || entries.count < ControlBounds.nodes else { return .refused }
        entries[node.id] = Entry(node: node)
        return isNew ? .new : .known
    }

    /// An announcement of our own came back. Returns who is gone.
    ///
    /// - Parameter sentAt: microseconds of the monotonic clock.
    mutating func cameBack(sentAt: UInt64) -> [NodeID] {
        if let firstReturn, isYoung {
            isYoung = sentAt &- firstReturn < ControlBounds.announceInterval.microseconds
            if !isYoung { departed = [] }
        }
        firstReturn = firstReturn ?? sentAt
        var gone: [NodeID] = []
        for id in entries.keys where id != own.id {
            entries[id]?.missed += 1
            if let entry = entries[id], entry.missed > ControlBounds.missedAnnouncements { gone.append(id) }
        }
        for id in gone { entries[id] = nil }
        return gone
    }

    /// A node said that it goes. Returns whether it was in view.
    mutating func left(_ id: NodeID) -> Bool {
        if isYoung, departed.count < ControlBounds.nodes { departed.insert(id) }
        return id != own.id && entries.removeValue(forKey: id) != nil
    }
}
