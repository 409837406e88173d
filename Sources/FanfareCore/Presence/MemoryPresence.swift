import FanfareWire

/// A channel's members in memory. Times are microseconds of the monotonic clock.
///
/// Everything happens under the broker's only lock, so nothing here walks the members but ``infos``: a change costs what it
/// changes, an expiry what it ends.
struct MemoryPresence {
    private struct Member {
        var info: ClientInfo
        var expiry: UInt64
    }

    private var members: [ExactText: Member] = [:]
    /// User → number of its clients.
    private var users: [ExactText: Int] = [:]
    private var expiries = ExpiryQueue()
    /// Clients whose end was announced, and when.
    private var gone: [ExactText: UInt64] = [:]
    private var goneSince = ExpiryQueue()

    var isEmpty: Bool { members.isEmpty && gone.isEmpty }

    var count: Int { members.count }

    /// Bytes of all infos, about.
    private(set) var bytes = 0

    /// What was looked at so far, for a test that holds the costs.
    var steps: Int { expiries.steps + goneSince.steps }

    /// Adds or renews members. Returns those whose join is to be announced.
    mutating func join(_ infos: [ClientInfo], returning: Bool, until expiry: UInt64) -> [ClientInfo] {
        var joined: [ClientInfo] = []
        for info in infos {
            let earlier = members.updateValue(Member(info: info, expiry: expiry), forKey: info.client)
            bytes += info.size - (earlier?.info.size ?? 0)
            if let earlier { count(earlier.info.user, -1) }
            count(info.user, 1)
            note(info.client, expiry)
            let wasGone = gone.removeValue(forKey: info.client) != nil
            if earlier == nil, !returning || wasGone { joined.append(info) }
        }
        return joined
    }

    /// Removes members. Returns those that were there.
    mutating func leave(_ clients: [ExactText]) -> [ClientInfo] {
        clients.compactMap { remove($0) }
    }

    /// Renews members. Returns those that are not there.
    mutating func refresh(_ clients: [ExactText], until expiry: UInt64) -> [ExactText] {
        var missing: [ExactText] = []
        for client in clients {
            guard members[client] != nil else {
                missing.append(client)
                continue
            }
            members[client]?.expiry = expiry
            note(client, expiry)
        }
        return missing
    }

    /// Removes members whose time has run out. Returns them.
    mutating func reap(now: UInt64, memory: UInt64) -> [ClientInfo] {
        while let oldest = goneSince.first, oldest.time + memory <= now {
            goneSince.removeFirst()
            if gone[oldest.client] == oldest.time { gone[oldest.client] = nil }
        }
        var dead: [ClientInfo] = []
        while let first = expiries.first, first.time <= now {
            expiries.removeFirst()
            guard members[first.client]?.expiry == first.time, let info = remove(first.client) else { continue }
            dead.append(info)
            gone[info.client] = now
            goneSince.add(info.client, now)
        }
        return dead
    }

    /// When the first member's time runs out.
    mutating func nextExpiry() -> UInt64? {
        while let first = expiries.first {
            if members[first.client]?.expiry == first.time { return first.time }
            expiries.removeFirst()
        }
        return nil
    }

    var infos: [ClientInfo] { members.values.map(\.info) }

    var stats: PresenceStats { PresenceStats(clients: members.count, users: users.count) }

    private mutating func remove(_ client: ExactText) -> ClientInfo? {
        guard let member = members.removeValue(forKey: client) else { return nil }
        count(member.info.user, -1)
        bytes -= member.info.size
        return member.info
    }

    private mutating func count(_ user: ExactText, _ change: Int) {
        let count = users[user, default: 0] + change
        users[user] = count > 0 ? count : nil
    }

    private mutating func note(_ client: ExactText, _ expiry: UInt64) {
        expiries.add(client, expiry)
        // Renewed and left members leave entries behind that count no more.
        guard expiries.count > 2 * members.count + 64 else { return }
        let members = members
        expiries.keep { members[$0.client]?.expiry == $0.time }
    }
}
