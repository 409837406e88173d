import FanfareCore
import FanfareWire
import NIOCore

/// Subscriptions that the node makes because a connection's token says so. They are in force before `connect` is answered,
/// and its answer says how each begins.
extension CentrifugeSession {
    /// A `connect` whose subscriptions are on their way.
    struct ConnectInProgress {
        let id: UInt32
        /// Its beginning.
        let now: TokenTime
        var missing: Int
        var subscriptions: [(ChannelName, CentrifugeSubscribeResult)] = []
    }

    /// Whether `connect` waits for its subscriptions: until then the client gets nothing else.
    public var isConnecting: Bool { connecting != nil }

    var connecting: ConnectInProgress? {
        get { connects.first?.progress }
        set { connects = newValue.map { [ConnectState(progress: $0)] } ?? [] }
    }

    mutating func starts(
        _ subscriptions: [ServerSubscription], _ request: CentrifugeConnect, _ id: UInt32
    ) -> Result<[SubscriptionRequest], CentrifugeError> {
        guard subscriptions.count <= policy.maxChannels else {
            return .failure(.limitExceeded("a client may have \(policy.maxChannels) channels"))
        }
        // By bytes, and in one pass: a client may name as many as it likes.
        var last: [ChannelName: CentrifugeSubscribe] = [:]
        for start in request.subscriptions {
            if let name = try? ChannelName(start.channel) { last[name] = start }
        }
        var starts: [SubscriptionRequest] = []
        for subscription in subscriptions {
            let channel: ChannelName
            do {
                channel = try ChannelName(subscription.channel, limit: policy.maxChannelNameBytes)
            } catch {
                return .failure(.badRequest("the token's channels: \(error)"))
            }
            guard let rules = policy.channels.rules(channel) else {
                return .failure(.unknownChannel("unknown namespace of channel '\(channel)'"))
            }
            let start = last[channel] ?? CentrifugeSubscribe(channel: subscription.channel)
            channels.append(
                Subscription(
                    channel: channel, pending: id, recoversFrom: start.recover ? start.position.offset : nil))
            grants[channel] = SubscriptionGrant(subscription)
            starts.append(SubscriptionRequest(channel: channel, wish: Self.wish(start, rules)))
        }
        return .success(starts)
    }

    /// One of them is in force: the reply to `connect` with the last, `nil` before.
    mutating func begun(
        _ channel: ChannelName, _ subscription: CentrifugeSubscribeResult
    ) -> Body? {
        guard var progress = connecting else { return nil }
        progress.missing -= 1
        progress.subscriptions.append((channel, subscription))
        guard progress.missing == 0 else {
            connecting = progress
            return nil
        }
        connecting = nil
        return welcome(progress.id, now: progress.now, subscriptions: progress.subscriptions)
    }

    /// The session begins: the reply to `connect`.
    mutating func welcome(
        _ id: UInt32, now: TokenTime, subscriptions: [(ChannelName, CentrifugeSubscribeResult)]
    ) -> Body {
        isConnected = true
        let reply = encoder.connectReply(
            id: id, client: clientID, version: policy.version, node: policy.nodeName, session: link?.session,
            ping: policy.pingSeconds, pong: !isUnidirectional, ttl: grants.identity?.expiry?.ttl(now),
            subscriptions: subscriptions)
        return isUnidirectional ? CentrifugeJSONEncoder.connectPush(reply) : reply
    }
}
