import FanfareWire

/// A channel's members in memory. Times are microseconds of the monotonic clock.
struct MemoryPresence {
    private struct Member {
        var info: ClientInfo
        var expiry: UInt64
    }

    private var members: [ExactText: Member] = [:]
    /// Clients whose end was announced, and when.
    private var gone: [ExactText: UInt64] = [:]

    var isEmpty: Bool { members.isEmpty && gone.isEmpty }

    /// Adds or renews members. Returns those whose join is to be announced.
    mutating func join(_ infos: [ClientInfo], returning: Bool, until expiry: UInt64) -> [ClientInfo] {
        var joined: [ClientInfo] = []
        for info in infos {
            let isNew = members.updateValue(Member(info: info, expiry: expiry), forKey: info.client) == nil
            let wasGone = gone.removeValue(forKey: info.client) != nil
            if isNew, !returning || wasGone { joined.append(info) }
        }
        return joined
    }

    /// Removes members. Returns those that were there.
    mutating func leave(_ clients: [ExactText]) -> [ClientInfo] {
        clients.compactMap { members.removeValue(forKey: $0)?.info }
    }

    /// Renews members. Returns those that are not there.
    mutating func refresh(_ clients: [ExactText], until expiry: UInt64) -> [ExactText] {
        clients.filter { client in
            guard members[client] != nil else { return true }
            members[client]?.expiry = expiry
            return false
        }
    }

    /// Removes members whose time has run out. Returns them.
    mutating func reap(now: UInt64, memory: UInt64) -> [ClientInfo] {
        gone = gone.filter { $0.value + memory > now }
        let dead = members.values.filter { $0.expiry <= now }.map(\.info)
        for info in dead {
            members[info.client] = nil
            gone[info.client] = now
        }
        return dead
    }

    /// When the first member's time runs out.
    var nextExpiry: UInt64? { members.values.lazy.map(\.expiry).min() }

    var infos: [ClientInfo] { members.values.map(\.info) }

    var stats: PresenceStats {
        PresenceStats(clients: members.count, users: Set(members.values.lazy.map(\.info.user)).count)
    }
}
