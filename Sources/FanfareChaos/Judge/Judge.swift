/// Judges what all clients get: everything once, in order, nothing foreign. Pure, and belongs to one event loop.
///
/// A client's first position, and the position after it was told to begin anew, is taken as given. From there on it must
/// get every publication that anyone got, until the end.
package struct Judge {
    /// Most violations that are kept word for word; all are counted.
    static let kept = 500

    /// Where the run is; set from outside.
    package var now = Moment()
    package private(set) var counts = Counts()
    package private(set) var violations: [Violation] = []
    package private(set) var totals: [Violation.Kind: Int] = [:]

    var logs: [[String: ChannelLog]]
    var receptions: [Key: Reception] = [:]
    /// Receptions that ended, with jumps that are still to be explained.
    var ended: [(Key, Reception)] = []
    /// Acknowledged, and not seen yet.
    var unseen: [PublicationID: Receipt] = [:]
    /// Places of jumps that were found to be losses already.
    var reported: Set<Loss> = []
    var unknown: Set<PublicationID> = []
    /// How often Redis has lost its data, and how often it had when an epoch was first seen.
    private var wipes = 0
    private var births: [String: Int] = [:]

    struct Key: Hashable {
        let client: Int
        let channel: Int
    }

    struct Loss: Hashable {
        let key: Key
        let epoch: String
        let offset: UInt64
    }

    struct Receipt {
        let at: Moment
        let position: Position?
    }

    package init(channels: Int) { logs = Array(repeating: [:], count: channels) }

    /// Where a client comes back to a channel; `nil` when it comes for the first time.
    package func position(client: Int, channel: Int) -> Position? {
        receptions[Key(client: client, channel: channel)].map { Position(epoch: $0.epoch, offset: $0.last) }
    }

    /// Whether a client is at a place, or beyond it.
    package func hasReached(client: Int, channel: Int, _ place: Position) -> Bool {
        guard let reception = receptions[Key(client: client, channel: channel)] else { return false }
        return reception.epoch == place.epoch && reception.last >= place.offset
    }

    /// A client begins: with its first subscription.
    package mutating func began(client: Int, channel: Int, at position: Position) {
        begin(Key(client: client, channel: channel), position)
    }

    /// A client came back with its position; its publications follow as deliveries, then ``reached``.
    package mutating func recovered(client: Int, channel: Int, epoch: String) {
        counts.recovered += 1
        guard let reception = receptions[Key(client: client, channel: channel)], reception.epoch != epoch else {
            return
        }
        note(.foreign, client, channel, "recovered in epoch \(epoch), came from \(reception.epoch)")
    }

    /// The node says that everything up to there was delivered.
    package mutating func reached(client: Int, channel: Int, at position: Position) {
        receptions[Key(client: client, channel: channel)]?.reach(position.offset, at: now)
    }

    /// A client was told that what it missed can't be had: it begins anew.
    package mutating func told(client: Int, channel: Int, at position: Position) {
        let key = Key(client: client, channel: channel)
        counts.told += 1
        if let old = receptions[key] {
            if !old.jumps.isEmpty { ended.append((key, old)) }
            let isGone = old.epoch != position.epoch && births[old.epoch] ?? 0 < wipes
            if !isGone { note(.told, client, channel, "was at \(old.last).\(old.epoch), is now at \(position)") }
        }
        begin(key, position)
    }

    /// A publication reached a client.
    package mutating func delivered(client: Int, channel: Int, _ id: PublicationID?, offset: UInt64, text: () -> String)
    {
        counts.deliveries += 1
        let key = Key(client: client, channel: channel)
        guard let id, id.channel == channel, logs.indices.contains(channel), let epoch = receptions[key]?.epoch else {
            return note(.foreign, client, channel, "offset \(offset): \(text())")
        }
        let verdict = receptions[key]?.take(offset, at: now)
        switch logs[channel][epoch, default: ChannelLog()].note(id, at: offset) {
        case .known: break
        case .new: seen(id, Position(epoch: epoch, offset: offset))
        case .conflict(let other):
            note(.foreign, client, channel, "offset \(offset) of \(epoch): \(id), for others \(other)")
        case .duplicate(let other):
            note(.repeated, client, channel, "\(id) has the offsets \(other) and \(offset) of \(epoch)")
        }
        switch verdict {
        case .repeated: note(.repeated, client, channel, "\(id) at offset \(offset) of \(epoch) once more")
        case .reordered: note(.reordered, client, channel, "\(id) at offset \(offset) of \(epoch) after later ones")
        case .next, nil: break
        }
    }

    /// A publish was acknowledged.
    package mutating func acknowledged(_ id: PublicationID, at position: Position?) {
        counts.acknowledged += 1
        let receipt = Receipt(at: now, position: position)
        guard let place = place(of: id) else {
            unseen[id] = receipt
            return
        }
        check(id, receipt, place)
    }

    /// Nobody knows whether it was published.
    package mutating func unknown(_ id: PublicationID) {
        counts.unknown += 1
        unknown.insert(id)
    }

    /// Redis lost its data: clients may be told, and what was acknowledged and nobody has seen is gone.
    package mutating func wiped() {
        wipes += 1
        forgive()
    }

    /// What was acknowledged and nobody has seen is not missed: the new Redis took it before the nodes had that one, and
    /// clients were told to begin behind it.
    package mutating func forgive() {
        counts.wiped += unseen.count
        unseen = [:]
    }

    /// Adds a violation that was found elsewhere.
    package mutating func note(_ kind: Violation.Kind, _ client: Int? = nil, _ channel: Int? = nil, _ detail: String) {
        totals[kind, default: 0] += 1
        guard violations.count < Self.kept else { return }
        violations.append(
            Violation(
                kind: kind, seconds: now.seconds, fault: now.fault, client: client, channel: channel, detail: detail))
    }

    private mutating func begin(_ key: Key, _ position: Position) {
        if births[position.epoch] == nil { births[position.epoch] = wipes }
        receptions[key] = Reception(epoch: position.epoch, from: position.offset)
    }

    private func place(of id: PublicationID) -> Position? {
        for (epoch, log) in logs[id.channel] {
            if let offset = log.offset(of: id) { return Position(epoch: epoch, offset: offset) }
        }
        return nil
    }

    private mutating func seen(_ id: PublicationID, _ place: Position) {
        if let receipt = unseen.removeValue(forKey: id) { check(id, receipt, place) }
    }

    private mutating func check(_ id: PublicationID, _ receipt: Receipt, _ place: Position) {
        guard let position = receipt.position, position.epoch == place.epoch, position != place else { return }
        note(.foreign, nil, id.channel, "\(id) was acknowledged at \(position) and came at \(place)")
    }
}
