import FanfareCore
import FanfareWire

/// Where a subscription with QoS 1 or 2 is in its channel's stream: what there was no room for is read from there.
struct MQTTFollower: Sendable {
    /// A retained message that there was no room for.
    enum Owed: Sendable {
        /// That of a new subscription: what it is sent begins with it.
        case first
        /// That of one which was there already.
        case again
    }

    /// The last publication that it was sent; `nil`: none yet.
    var place: StreamPosition?
    /// The newest that it was not sent; `nil`: it has all.
    var newest: StreamPosition?
    var owed: Owed?
    /// Publications that a page of what it did not get may have at least: more where none of the last one took room.
    private(set) var stride = 1
    /// Whether it stands in the window's line.
    var isInLine = false

    var isBehind: Bool { newest != nil || owed != nil }

    /// A publication comes. Returns whether it leaves now.
    mutating func take(_ publication: Publication, hasRoom: Bool) -> Bool {
        // What has no place in the stream nobody can read later: it comes at most once.
        guard let position = publication.position else { return true }
        // It came with what was read.
        if let place, place.epoch == position.epoch, position.offset <= place.offset { return false }
        guard !isBehind, hasRoom else {
            // The one before it, which need not be the number before. Who is not behind was sent what came until then, or it was not for it.
            if !isBehind {
                place = StreamPosition(
                    offset: publication.follows ?? (position.offset &- 1), epoch: position.epoch)
            }
            newest = position
            return false
        }
        place = position
        return true
    }

    /// A page was read up to `last`. Notes whether there is more behind it.
    ///
    /// - Parameter tookRoom: whether anything of it has to be acknowledged.
    mutating func advance(to last: StreamPosition, of page: HistoryPage, tookRoom: Bool = true) {
        place = last
        stride = tookRoom ? 1 : min(2 * stride, MQTTBounds.inFlight / 2)
        // What came while it was read may be behind the page.
        if let newest, newest.epoch == last.epoch, newest.offset > page.position.offset { return }
        newest = last.offset < page.position.offset ? page.position : nil
    }
}

extension Publication {
    /// With which QoS it may come at best (§3.8.4): that of its publisher, and at most once where no stream has it.
    var mqttQoS: MQTTQoS {
        guard position != nil else { return .atMostOnce }
        return metadata?.qos.flatMap { MQTTQoS(rawValue: $0) } ?? .exactlyOnce
    }
}

extension ChannelRules {
    /// What a subscription may have at best: where a history keeps what there is no room for.
    var mqttQoS: MQTTQoS { history == nil || queue == .newest ? .atMostOnce : .exactlyOnce }
}
