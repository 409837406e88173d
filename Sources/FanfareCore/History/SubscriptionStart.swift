import FanfareWire

/// What a client asks for with its subscription.
public enum RecoveryRequest: Sendable, Equatable {
    /// Only what comes from now on.
    case none
    /// Everything after that place. Offset 0 with an empty epoch is the beginning of the stream, whichever it is.
    case since(StreamPosition)
    /// The newest publications, so many.
    case last(Int)

    /// Whether it speaks of another stream than the one with that position.
    func isForeign(to position: StreamPosition?) -> Bool {
        guard case .since(let place) = self, let position else { return false }
        return place.epoch != position.epoch && !(place.epoch.isEmpty && place.offset == 0)
    }
}

/// How a subscription begins.
public struct SubscriptionStart: Sendable, Equatable {
    /// The place after which everything arrives; `nil` in a channel without history.
    public var position: StreamPosition?
    /// What the client gets before that, oldest first.
    public var publications: [Publication]
    /// Whether ``publications`` is all that was asked for; `true` when nothing was.
    public var isComplete: Bool
    /// ``publications`` are the last ones of these, which other clients get, too.
    public var shared: SharedFrames?
    /// What was read for this client, whatever of it the client gets: a filter, or a place that is lost, leave less.
    public var read = ReadCost()
    /// This client's share of the publications for which the broker was asked: one read serves all who come back together.
    public var asked = 0

    public init(position: StreamPosition? = nil, publications: [Publication] = [], isComplete: Bool = true) {
        self.position = position
        self.publications = publications
        self.isComplete = isComplete
    }

    /// Bytes of the publications, without what stands around each.
    public var size: Int { shared?.size(last: publications.count) ?? publications.reduce(0) { $0 + $1.size } }

    /// The same with what stands around each, about.
    public var weight: Int { size + publications.count * ReadCost.overhead }

    public static func == (lhs: SubscriptionStart, rhs: SubscriptionStart) -> Bool {
        lhs.position == rhs.position && lhs.publications == rhs.publications && lhs.isComplete == rhs.isComplete
    }

    /// Leaves of the publications what a selection takes; where they are shared, all who have the same filter do that once.
    mutating func select(_ selection: Selection) {
        guard case .filtered(let filter) = selection else { return }
        guard let all = shared, let first = publications.first?.position?.offset, first > 0 else {
            publications.removeAll { !selection.takes($0) }
            shared = nil
            return
        }
        let passing = all.filtered(by: filter)
        publications = passing.publications(last: passing.count(after: first - 1))
        shared = passing
    }

    /// The place before the first thing that the client gets.
    public var origin: StreamPosition? {
        guard var first = publications.first?.position else { return position }
        first.offset -= 1
        return first
    }
}

/// Why the node ended a client's subscription.
public enum UnsubscribeReason: Sendable, Equatable {
    /// Publications are missing that the history does not hold: the client has to begin anew.
    case insufficientState
}
