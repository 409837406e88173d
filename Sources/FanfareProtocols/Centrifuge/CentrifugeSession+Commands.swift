import FanfareCore
import FanfareWire
import NIOCore

/// What a backend does with a client that is connected, and the pushes that tell the client.
extension CentrifugeSession {
    /// What the push says of a subscription that a backend made. A class, so that all other subscriptions have a word for it and no
    /// more.
    final class Announcement: Sendable {
        let data: Payload?

        init(data: Payload?) { self.data = data }
    }

    mutating func subscribe(_ wanted: CommandedSubscription, now: TokenTime) -> Session.Commanded {
        let channel = wanted.channel
        // A client has each channel once, whoever wanted it.
        if let known = channels.first(where: { $0.channel == channel }) {
            return known.pending == 0 ? .unchanged : .awaited
        }
        guard channels.count < policy.maxChannels else { return .full }
        guard let rules = policy.channels.rules(channel) else { return .unsupported }
        var request = CentrifugeSubscribe(channel: channel.text)
        if let since = wanted.since { (request.recover, request.position) = (true, since) }
        // No command has this id: its answer is awaited by whoever sent the backend's command.
        let subscription = Subscription(
            channel: channel, pending: .max, announcement: Announcement(data: wanted.data),
            recoversFrom: wanted.since?.offset)
        channels.append(subscription)
        grants[channel] = SubscriptionGrant(wanted, now: now)
        return .begun(.subscribe(channel, Self.wish(request, rules), nil, id: Self.commandedID))
    }

    /// Names the subscriptions that backends make. Those of clients have other ids, and a channel has one of either.
    static let commandedID: UInt32 = 0

    /// Whether the subscription is one that a backend made, and is not in force.
    func isAnnounced(_ channel: ChannelName) -> Bool { announced(channel) != nil }

    private func announced(_ channel: ChannelName) -> Int? {
        channels.firstIndex { $0.channel == channel && $0.pending != 0 && $0.announcement != nil }
    }

    /// A subscription that a backend made is in force: the push, and what comes before live traffic; `nil`: it is none. The push
    /// says where that begins, since SDKs count on from there.
    mutating func announce(_ channel: ChannelName, _ start: SubscriptionStart) -> SessionAction? {
        guard let index = announced(channel) else { return nil }
        channels[index].pending = 0
        let rules = policy.channels.rules(channel) ?? ChannelRules()
        let push = encoder.subscribePush(
            channel, position: start.origin, isRecoverable: rules.recovery != .off,
            data: channels[index].announcement?.data)
        channels[index].announcement = nil
        return .announce(self.push(push), start)
    }

    mutating func unsubscribe(_ channel: ChannelName) -> Session.Commanded {
        guard let index = channels.firstIndex(where: { $0.channel == channel }) else { return .unchanged }
        let subscription = channels[index]
        forget(channel)
        var replies: [Body] = []
        // As if it had been in force for a moment: SDKs heed the push only where they are subscribed.
        if subscription.owesReply { replies.append(encoder.emptyReply(id: subscription.pending, method: .subscribe)) }
        if subscription.pending == 0 || subscription.owesReply {
            replies.append(push(encoder.unsubscribePush(channel, code: 2000, reason: "server unsubscribe")))
        }
        return .done(.unsubscribe(channel, replies: replies))
    }

    mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) -> Session.Commanded {
        grants.refresh(expiresAt: expiresAt, info: info, now: now)
        return .done(.send(push(encoder.refreshPush(ttl: grants.identity?.expiry?.ttl(now)))))
    }
}
