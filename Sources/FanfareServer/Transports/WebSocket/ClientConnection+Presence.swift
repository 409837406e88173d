import FanfareCore
import FanfareWire
import NIOCore

/// A client as a member of its channels.
extension ClientConnection {
    /// By which id others know it. A raw client has one only where members are kept.
    var clientID: ExactText? { (session?.clientID ?? raw?.clientID).map { ExactText($0) } }

    /// What others see of it in a channel.
    private func clientInfo(in channel: ChannelName) -> ClientInfo? {
        if let session { return session.info(in: channel) }
        guard let raw, let id = raw.clientID else { return nil }
        return ClientInfo(client: ExactText(id), identity: raw.identity)
    }

    /// Its subscription is in force: its presence begins. It ends with the subscription, whatever ends that.
    func present(in channel: ChannelName) {
        if let info = clientInfo(in: channel) { loop.presence.joined(info, channel) }
    }

    /// Asks who is there. What this loop has not told of the channel yet is told first: a client that asks finds itself.
    func readPresence(_ channel: ChannelName, id: UInt32) {
        let (outcomes, bound) = ask(channel)
        loop.node.broker.presence(of: channel, limit: limits.maxPresenceMembers) { result in
            outcomes.post(.init(connection: bound, id: id, answer: .presence(result)))
        }
    }

    /// Asks how many are there.
    func readPresenceStats(_ channel: ChannelName, id: UInt32) {
        let (outcomes, bound) = ask(channel)
        loop.node.broker.presenceStats(of: channel) { result in
            outcomes.post(.init(connection: bound, id: id, answer: .presenceStats(result)))
        }
    }

    private func ask(_ channel: ChannelName) -> (Mailbox<LoopState.Outcome>, NIOLoopBound<ClientConnection>) {
        commands.beginRead()
        loop.presence.tell(channel)
        return (loop.outcomes, NIOLoopBound(self, eventLoop: loop.eventLoop))
    }
}
