import FanfareWire
import NIOCore

/// What a session says about who is in a channel.
extension CentrifugeSession {
    /// By which other clients know this one.
    public var clientID: String { policy.clientID }

    func presence(_ channel: ChannelName, _ rules: ChannelRules, _ id: UInt32, isStats: Bool) -> Action {
        guard rules.presence else { return refuse(id, .notAvailable("\(BrokerError.noPresence)")) }
        guard isAllowed(rules.readPresence, channel) else { return refuse(id, .permissionDenied) }
        return isStats ? .presenceStats(channel, id: id) : .presence(channel, id: id)
    }

    /// Who is there: the reply.
    ///
    /// - Parameter maxBytes: a bigger reply would make the client a slow one.
    public func presence(id: UInt32, _ result: Result<PresencePage, BrokerError>, maxBytes: Int) -> ByteBuffer {
        switch result {
        case .success(let page):
            if !page.isTooLarge {
                let reply = CentrifugeJSONEncoder.presenceReply(id: id, page.members)
                if reply.readableBytes <= maxBytes { return reply }
            }
            return CentrifugeJSONEncoder.errorReply(
                id: id, .limitExceeded("\(page.total) members are too many for one answer, use presence_stats"))
        case .failure(let error):
            return CentrifugeJSONEncoder.errorReply(id: id, .internalError("\(error)"))
        }
    }

    /// How many are there: the reply.
    public func presenceStats(id: UInt32, _ result: Result<PresenceStats, BrokerError>) -> ByteBuffer {
        switch result {
        case .success(let stats):
            CentrifugeJSONEncoder.presenceStatsReply(id: id, clients: stats.clients, users: stats.users)
        case .failure(let error):
            CentrifugeJSONEncoder.errorReply(id: id, .internalError("\(error)"))
        }
    }
}
