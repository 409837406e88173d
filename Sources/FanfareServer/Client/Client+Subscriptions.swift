import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// What the hub tells a client of its subscriptions.
extension Client {
    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart) {
        recoveryEnded(request)
        guard opening != nil || session.isConnecting || takeRecovery(start.size) else {
            loop.shard.unsubscribe(self, from: channel, request: request)
            return subscribeFailed(channel, request: request, .overloaded)
        }
        if let info = session.info(in: channel) { loop.presence.joined(info, channel) }
        if let opening {
            opening.subscribed(.success(start))
        } else if session.isConnecting {
            begun(channel, request, start)
        } else {
            carryOut(session.subscribed(channel, id: request, start))
            scheduleExpiry()
        }
    }

    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {
        recoveryEnded(request)
        if let opening {
            opening.subscribed(.failure(error))
        } else {
            carryOut(session.subscribeFailed(channel, id: request, error))
        }
    }

    func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason) {
        // One of several was in force, and is lost before its request is answered.
        if let opening { return opening.subscribed(.failure(.unavailable)) }
        carryOut(session.unsubscribed(channel, reason))
    }

    /// The session begins with this subscription, which was made before the client's request was answered.
    func begin(_ channel: ChannelName, _ start: SubscriptionStart) {
        carryOut(session.subscribed(channel, id: 0, start))
    }

    /// Sends what a subscription missed, as publications read to this client.
    func deliver(_ start: SubscriptionStart) {
        // Nothing is no answer: somebody may wait for the first thing that comes.
        guard let shared = start.shared, !start.publications.isEmpty else {
            for publication in start.publications { answer(loop.node.formats.encode(publication, wireFormat)) }
            return
        }
        // In memory of its own it would be some megabytes for each client.
        answer(shared.frames(last: start.publications.count, wireFormat, loop.node.formats))
    }
}
