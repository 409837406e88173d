import FanfareCore
import FanfareWire
import NIOCore

/// What a session says about positions and history.
extension CentrifugeSession {
    /// What a subscription asks the hub for.
    static func wish(_ request: CentrifugeSubscribe, _ rules: ChannelRules) -> RecoveryRequest {
        switch rules.recovery {
        case .off: .none
        case .stream: request.recover ? .since(request.position) : .none
        case .cache: .last(1)
        }
    }

    func reply(
        _ start: SubscriptionStart, _ rules: ChannelRules, _ subscription: Subscription?
    ) -> CentrifugeSubscribeResult {
        var publications = start.publications
        let recoversFrom = subscription?.recoversFrom
        // The newest is what the client has already.
        if rules.recovery == .cache, let recoversFrom {
            publications.removeAll { ($0.position?.offset ?? 0) <= recoversFrom }
        }
        var reply = CentrifugeSubscribeResult(
            position: start.position, isRecoverable: rules.recovery != .off, wasRecovering: recoversFrom != nil,
            isRecovered: subscription.map { Self.isRecovered(start, rules, $0) } ?? false, publications: publications)
        reply.hasDeltas = subscription?.hasDeltas == true
        let list: any PublicationListEncoder.Type = reply.hasDeltas ? encoder.wholeItems : encoder
        if rules.recovery == .stream {
            reply.items = start.shared?.items(last: publications.count, list)
        }
        if reply.hasDeltas, reply.items == nil { reply.items = list.items(publications) }
        return reply
    }

    /// Whether the client has all that it is promised: what it missed, or the newest.
    private static func isRecovered(
        _ start: SubscriptionStart, _ rules: ChannelRules, _ subscription: Subscription
    ) -> Bool {
        guard let offset = subscription.recoversFrom else { return false }
        return switch rules.recovery {
        case .off: false
        case .stream: start.isComplete
        case .cache:
            start.isComplete
                && (subscription.isFiltered || start.position?.offset == offset
                    || start.publications.last?.position?.offset == start.position?.offset)
        }
    }

    func history(
        _ channel: ChannelName, _ rules: ChannelRules, _ request: CentrifugeHistory, _ id: UInt32
    ) -> SessionAction {
        guard rules.history != nil else { return refuse(id, .notAvailable("the channel keeps no history")) }
        guard may(.history, channel, rules.readHistory) else { return refuse(id, .permissionDenied) }
        let limit = HistoryQuery.limit(request.limit, within: policy.maxRecovery)
        return .history(
            channel, HistoryQuery(since: request.since, limit: limit, reverse: request.reverse), id: id)
    }

    /// What was read: the reply.
    ///
    /// - Parameter maxBytes: a bigger reply would make the client a slow one, unless it is a single publication.
    public func read(
        id: UInt32, since: StreamPosition?, _ result: Result<HistoryPage, BrokerError>, maxBytes: Int = .max
    ) -> Body {
        switch result {
        case .success(let page):
            guard !page.isOfAnother(since) else {
                return encoder.errorReply(id: id, .unrecoverablePosition)
            }
            let reply = encoder.historyReply(
                id: id, publications: page.publications, position: page.position)
            guard reply.bytes.readableBytes > maxBytes, page.publications.count > 1 else { return reply }
            return encoder.errorReply(
                id: id, .limitExceeded("these publications are too many for one answer, ask for fewer"))
        case .failure(let error):
            return encoder.errorReply(id: id, .internalError("\(error)"))
        }
    }
}
