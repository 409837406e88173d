import FanfareCore
import FanfareWire
import NIOCore

/// What leaves with QoS 1 and 2, and what acknowledges it: see ``MQTTWindow``.
extension MQTTSession {
    /// Writes what is the client's own in a delivery. Returns whether it takes it: one above its limit is dropped, as if it were
    /// delivered (§3.1.2.11.4), and one that there is no room for is read later.
    mutating func writeLead(of publication: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool {
        guard let index = index(of: request) else { return false }
        var own = MQTTTailCodec.Lead(subscriptionID: subscriptions[index].id, limit: agreement.maxPacketBytes)
        guard subscriptions[index].follower != nil else {
            return MQTTTailCodec(version: version).write(own, of: publication, into: &lead)
        }
        let qos = min(subscriptions[index].qos, publication.mqttQoS)
        guard !hasFailed, takes(publication, qos, at: index) else { return false }
        own.take(qos, &window)
        guard MQTTTailCodec(version: version).write(own, of: publication, into: &lead) else { return false }
        if qos != .atMostOnce { window.sent(own.packetID, qos, bytes: publication.size) }
        return true
    }

    /// Whether a publication leaves now; if not, it came already or its subscription stands in line for it.
    private mutating func takes(_ publication: Publication, _ qos: MQTTQoS, at index: Int) -> Bool {
        let hasRoom = qos == .atMostOnce || window.hasRoom
        let isTaken = subscriptions[index].follower?.value.take(publication, hasRoom: hasRoom) ?? true
        if !isTaken { standInLine(index) }
        return isTaken
    }

    /// Has a subscription wait for what it is to get, where there is something.
    private mutating func standInLine(_ index: Int) {
        guard let follower = subscriptions[index].follower?.value, follower.isBehind, !follower.isInLine else { return }
        subscriptions[index].follower?.value.isInLine = true
        window.wait(subscriptions[index].number)
    }

    /// The subscription that the hub knows by that number: they grow, until they begin anew.
    func index(of number: UInt32) -> Int? {
        var (start, end) = (0, subscriptions.count)
        while start < end {
            let middle = (start + end) / 2
            if subscriptions[middle].number < number { start = middle + 1 } else { end = middle }
        }
        if start < subscriptions.count, subscriptions[start].number == number { return start }
        return subscriptions.firstIndex { $0.number == number || $0.replaces == number }
    }

    /// A packet of the client's own, for what nobody shares; `nil`: it is above the client's limit, or has expired.
    private mutating func packet(_ publication: Publication, at index: Int, isRetained: Bool) -> Body? {
        let now = policy.now()
        let waited = publication.publishedAt == 0 ? 0 : (now - min(now, publication.publishedAt)) / 1_000_000
        guard !MQTTTags.hasExpired(publication.metadata?.tags ?? .none, after: waited) else { return nil }
        var own = MQTTTailCodec.Lead(
            isRetained: isRetained, subscriptionID: subscriptions[index].id, limit: agreement.maxPacketBytes)
        let qos = min(subscriptions[index].qos, publication.mqttQoS)
        own.take(qos, &window)
        guard let packet = MQTTTailCodec(version: version).packet(own, publication, waited: waited) else { return nil }
        if qos != .atMostOnce { window.sent(own.packetID, qos, bytes: publication.size) }
        return packet
    }

    /// The channel's newest publication as its retained message (§3.3.1.3). An empty one is none, and neither is one that has expired.
    ///
    /// - Parameter owed: what it is, should there be no room for it.
    mutating func retained(_ publication: Publication, at index: Int, _ owed: MQTTFollower.Owed) -> SessionAction {
        guard publication.payload.bytes.readableBytes > 0, !isExcluded(from: publication) else { return .none }
        guard min(subscriptions[index].qos, publication.mqttQoS) == .atMostOnce || window.hasRoom else {
            // The first one has all that comes behind it.
            if subscriptions[index].follower?.value.owed == nil { subscriptions[index].follower?.value.owed = owed }
            standInLine(index)
            return .none
        }
        return packet(publication, at: index, isRetained: true).map { .answer($0) } ?? .none
    }

    // MARK: Acknowledgements

    /// PUBREL ends what PUBREC of the node began; the others are for what the node sent (§4.3).
    mutating func acknowledged(_ packet: MQTTAcknowledgement) throws(MQTTError) -> SessionAction {
        guard packet.type != .pubrel else { return released(packet.packetID) }
        switch window.acknowledge(packet) {
        case .taken: return .none
        case .release(let reason): return say(MQTTWriter.acknowledge(version, .pubrel, packet.packetID, reason))
        // Nothing says how to answer it, and nothing is to be done.
        case .unknown: return .dropped
        case .wrong: throw .against("\(packet.type.name) for a message that waits for something else (§4.3)")
        }
    }

    // MARK: What there was no room for

    /// How much of a turn it takes to ask for a read.
    static let readWeight = 4

    /// Reads what the next subscription did not get.
    mutating func readOn() -> SessionAction {
        guard let number = window.beginReading() else { return .none }
        guard let index = index(of: number), let follower = subscriptions[index].follower?.value else {
            _ = window.endReading(number)
            return .none
        }
        let query =
            follower.owed != nil
            ? HistoryQuery(limit: 1, reverse: true)
            : HistoryQuery(
                since: follower.place, limit: max(window.quantum, follower.stride),
                maxBytes: window.maxBytes - window.bytes)
        return .history(subscriptions[index].topic.channel, query, id: number)
    }

    /// What was read: for a subscription that stood in line, or the retained message of one that was there already.
    mutating func read(id: UInt32, _ result: Result<HistoryPage, BrokerError>) -> SessionAction {
        let isInLine = window.endReading(id)
        guard !hasFailed, let index = index(of: id) else { return .none }
        guard isInLine else {
            guard case .success(let page) = result, let newest = page.publications.first else { return .none }
            return retained(newest, at: index, .again)
        }
        subscriptions[index].follower?.value.isInLine = false
        switch result {
        case .failure(let error):
            return fail(MQTTError(.serverBusy, "messages can't be read: \(error)"))
        case .success(let page):
            let owed = subscriptions[index].follower?.value.owed.take()
            let action = owed.map { readRetained(page, at: index, $0) } ?? readOn(page, at: index)
            guard !hasFailed else { return action }
            standInLine(index)
            // A subscription that went down to QoS 0 meanwhile has all that it was owed.
            if subscriptions[index].qos == .atMostOnce, subscriptions[index].follower?.value.isBehind == false {
                subscriptions[index].follower = nil
            }
            return action
        }
    }

    private mutating func readRetained(
        _ page: HistoryPage, at index: Int, _ owed: MQTTFollower.Owed
    ) -> SessionAction {
        if owed == .first { subscriptions[index].follower?.value.advance(to: page.position, of: page) }
        guard let newest = page.publications.first, !isExcluded(from: newest),
            newest.payload.bytes.readableBytes > 0
        else { return .none }
        return packet(newest, at: index, isRetained: true).map { .answer($0) } ?? .none
    }

    private mutating func readOn(_ page: HistoryPage, at index: Int) -> SessionAction {
        guard let place = subscriptions[index].follower?.value.place else { return .none }
        let isState = policy.channels.rules(subscriptions[index].topic.channel)?.recovery == .cache
        // Of a channel that carries a state what is kept is enough: the newest is among it.
        guard let publications = page.publications(after: place) ?? (isState ? page.after(place) : nil),
            // It was asked for what is known to be there.
            page.position.offset > place.offset
        else {
            return fail(
                MQTTError(.unspecifiedError, "what followed was lost before it was acknowledged"), .insufficientState)
        }
        // Nothing of it can be read: of a state the newest is enough.
        guard !publications.isEmpty || !page.isCut || !isState else {
            subscriptions[index].follower?.value.owed = .first
            return .none
        }
        let before = window.messages.count
        var (actions, last, isWhole) = ([SessionAction](), place, true)
        for publication in publications {
            let qos = min(subscriptions[index].qos, publication.mqttQoS)
            guard qos == .atMostOnce || window.hasRoomForRead else {
                isWhole = false
                break
            }
            last = publication.position ?? last
            guard !isExcluded(from: publication) else { continue }
            if let packet = packet(publication, at: index, isRetained: false) { actions.append(.answer(packet)) }
        }
        if isWhole, !page.isCut { last = page.position }
        subscriptions[index].follower?.value.advance(
            to: last, of: page, tookRoom: window.messages.count > before || !isWhole)
        return .all(actions)
    }

    /// Whether the client does not hear it, for it published it: the history names everything to everybody.
    private func isExcluded(from publication: Publication) -> Bool {
        publication.metadata?.excludedClient.map { $0 == ClientID(ExactText(clientID)) } ?? false
    }
}

extension MQTTTailCodec.Lead {
    /// The delivery has that QoS, and where that is above 0 the window's next identifier.
    fileprivate mutating func take(_ qos: MQTTQoS, _ window: inout MQTTWindow) {
        self.qos = qos
        if qos != .atMostOnce { packetID = window.nextID }
    }
}

extension HistoryPage {
    /// What it has after a place of the same stream, whatever is missing between.
    fileprivate func after(_ place: StreamPosition) -> [Publication]? {
        guard place.epoch == position.epoch else { return nil }
        return publications.filter { $0.position?.offset ?? 0 > place.offset }
    }
}
