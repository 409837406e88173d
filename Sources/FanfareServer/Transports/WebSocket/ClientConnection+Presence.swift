import FanfareCore
import FanfareWire
import NIOCore

/// A client as a member of its channels.
extension ClientConnection {
    /// How others know it. A raw client has an id only where members are kept.
    var clientInfo: ClientInfo? { (session?.clientID ?? raw?.clientID).map { ClientInfo(client: $0) } }

    /// Its subscription is in force: its presence begins. It ends with the subscription, whatever ends that.
    func present(in channel: ChannelName) {
        if let info = clientInfo { loop.presence.joined(info, channel) }
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
        pendingCommands += 1
        loop.presence.tell(channel)
        return (loop.outcomes, NIOLoopBound(self, eventLoop: loop.eventLoop))
    }
}
