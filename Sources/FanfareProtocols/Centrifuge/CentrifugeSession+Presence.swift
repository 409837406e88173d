import FanfareCore
import FanfareWire
import NIOCore

/// What a session says about who is in a channel.
extension CentrifugeSession {
    /// What others see of it in a channel: what its tokens say of it.
    public func info(in channel: ChannelName) -> ClientInfo {
        ClientInfo(client: ExactText(clientID), identity: grants.identity, inChannel: grants[channel]?.info)
    }

    func presence(_ channel: ChannelName, _ rules: ChannelRules, _ id: UInt32, isStats: Bool) -> SessionAction {
        guard rules.presence else { return refuse(id, .notAvailable("\(BrokerError.noPresence)")) }
        guard may(.presence, channel, rules.readPresence) else { return refuse(id, .permissionDenied) }
        return isStats ? .presenceStats(channel, id: id) : .presence(channel, id: id)
    }

    /// Who is there: the reply.
    ///
    /// - Parameter maxBytes: a bigger reply would make the client a slow one.
    public func presence(id: UInt32, _ result: Result<PresencePage, BrokerError>, maxBytes: Int) -> Body {
        switch result {
        case .success(let page):
            if !page.isTooLarge {
                let reply = encoder.presenceReply(id: id, page.members)
                if reply.bytes.readableBytes <= maxBytes { return reply }
            }
            return encoder.errorReply(
                id: id, .limitExceeded("\(page.total) members are too many for one answer, use presence_stats"))
        case .failure(let error):
            return encoder.errorReply(id: id, .internalError("\(error)"))
        }
    }

    /// How many are there: the reply.
    public func presenceStats(id: UInt32, _ result: Result<PresenceStats, BrokerError>) -> Body {
        switch result {
        case .success(let stats):
            encoder.presenceStatsReply(id: id, clients: stats.clients, users: stats.users)
        case .failure(let error):
            encoder.errorReply(id: id, .internalError("\(error)"))
        }
    }
}
