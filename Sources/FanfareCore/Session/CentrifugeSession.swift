import FanfareWire
import NIOCore

/// What a client of the Centrifuge protocol may do when: commands in, actions out, no I/O and no clock.
///
/// One per client, on its event loop. Whoever carries out ``Action/subscribe(_:id:)`` reports back with
/// ``subscribed(_:id:)`` or ``subscribeFailed(_:id:_:)``, unless the client unsubscribed meanwhile: then both commands
/// are answered at once, as if the subscription had been in force for a moment. An SDK that waited for the first answer
/// until its timeout would take the whole connection for dead.
public struct CentrifugeSession: Sendable {
    /// What is the same for all clients of a node, or given at the upgrade.
    public struct Policy: Sendable {
        /// By which other clients and the operator know this one.
        public var clientID: String
        public var nodeName: String
        public var version: String
        /// Seconds between pings; `nil`: none.
        public var pingSeconds: Int?
        public var maxChannelNameBytes: Int
        public var maxChannels: Int
        public var permissions: ClientPermissions
        /// What clients with a token may do, where its capabilities say nothing.
        public var users = ClientPermissions.subscribe
        /// Whether tokens mean nothing here: on a node for a first try that has no keys.
        public var ignoresTokens = false
        public var channels: ChannelRulebook
        /// Most publications in one answer from a channel's history.
        public var maxRecovery: Int

        public init(
            clientID: String, nodeName: String, version: String, pingSeconds: Int?, maxChannelNameBytes: Int,
            maxChannels: Int, permissions: ClientPermissions, channels: ChannelRulebook = ChannelRulebook(),
            maxRecovery: Int = 1_000
        ) {
            self.clientID = clientID
            self.nodeName = nodeName
            self.version = version
            self.pingSeconds = pingSeconds
            self.maxChannelNameBytes = maxChannelNameBytes
            self.maxChannels = maxChannels
            self.permissions = permissions
            self.channels = channels
            self.maxRecovery = maxRecovery
        }
    }

    /// What to do next.
    public enum Action: Sendable, Equatable {
        /// Nothing.
        case none
        /// Send this ready frame.
        case reply(Body)
        /// Send this ready frame; it refuses a command.
        case refuse(Body)
        /// Subscribe the client, then report back.
        case subscribe(ChannelName, RecoveryWish, id: UInt32)
        /// Unsubscribe the client, then send these ready frames.
        case unsubscribe(ChannelName, replies: [Body])
        /// Publish, then report back.
        case publish(ChannelName, Payload, id: UInt32)
        /// Read the channel's history, then report back.
        case history(ChannelName, HistoryQuery, id: UInt32)
        /// Read who is in the channel, then report back.
        case presence(ChannelName, id: UInt32)
        /// Read how many are in the channel, then report back.
        case presenceStats(ChannelName, id: UInt32)
        /// Check the token that this command brings, then report back; until then the client's next commands wait.
        case authenticate(String, CentrifugeCommand)
        /// Subscribe the client to all of these, then report back; until then the client's next commands wait.
        case begin([ServerStart], id: UInt32)
        /// End the client.
        case disconnect(Disconnect)
    }

    let policy: Policy
    /// Whether `connect` was accepted.
    public internal(set) var isConnected = false
    /// What tokens brought: none or one, so an array that is nothing when empty.
    var tokens: [TokenState] = []
    /// Channels subscribed or asked for; few, so an array that is nothing when empty.
    var channels: [Subscription] = []

    struct Subscription {
        let channel: ChannelName
        /// The command that waits for its answer; 0: in force.
        var pending: UInt32
        /// The offset with which the client came back; `nil`: it comes for the first time.
        var recoversFrom: UInt64?
        /// What let the client in, where that was not the channel's rules.
        var grant: SubscriptionGrant?
    }

    public init(policy: Policy) { self.policy = policy }

    /// Gives the session something, in place.
    public mutating func change<Value>(_ body: (inout CentrifugeSession) -> Value) -> Value { body(&self) }

    /// Channels subscribed or asked for.
    public var channelCount: Int { channels.count }

    /// The next command.
    public mutating func receive(_ command: CentrifugeCommand) -> Action {
        let id = command.id
        if case .connect(let request) = command.method { return connect(command, request) }
        guard isConnected else { return .disconnect(.badRequest) }
        switch command.method {
        case .connect: return .disconnect(.badRequest)
        case .pong, .send: return .none
        case .ping: return .reply(CentrifugeJSONEncoder.emptyReply(id: id, method: "ping"))
        case .subscribe(let request): return channel(request.channel, id) { $0.admit($1, $2, request, command) }
        case .unsubscribe(let name): return unsubscribe(name, id)
        case .publish(let name, let data): return channel(name, id) { $0.publish($1, $2, data, id) }
        case .presence(let name): return channel(name, id) { $0.presence($1, $2, id, isStats: false) }
        case .presenceStats(let name): return channel(name, id) { $0.presence($1, $2, id, isStats: true) }
        case .history(let request): return channel(request.channel, id) { $0.history($1, $2, request, id) }
        case .rpc: return refuse(id, .notAvailable("rpc is not available"))
        case .refresh(let token): return refresh(command, token)
        case .subRefresh(let name, let token): return subRefresh(command, name, token)
        }
    }

    /// The subscription is in force: the reply, with what comes before live traffic; `nil` where `connect` waits for others.
    public mutating func subscribed(_ channel: ChannelName, id: UInt32, _ start: SubscriptionStart) -> Body? {
        var recoversFrom: UInt64?
        var ttl: UInt32?
        if let index = channels.firstIndex(where: { $0.channel == channel }) {
            channels[index].pending = 0
            recoversFrom = channels[index].recoversFrom
            ttl = channels[index].grant?.ttl
        }
        let rules = policy.channels.rules(channel) ?? ChannelRules()
        var subscription = Self.reply(start, rules, recoversFrom: recoversFrom)
        subscription.ttl = ttl
        if connecting?.id == id { return begun(channel, subscription) }
        return CentrifugeJSONEncoder.subscribeReply(id: id, subscription)
    }

    /// The node ended the subscription: what the client is told.
    public mutating func unsubscribed(_ channel: ChannelName, _ reason: UnsubscribeReason) -> Body {
        channels.removeAll { $0.channel == channel }
        switch reason {
        case .insufficientState:
            return CentrifugeJSONEncoder.unsubscribePush(channel, code: 2500, reason: "insufficient state")
        }
    }

    /// The place in ``channels`` of a channel that a client named; `nil` also for what can't be a channel's name.
    func index(of name: ExactText) -> Int? { channels.firstIndex { $0.channel.text == name } }

    /// Whether the client is subscribed, and not only about to be.
    func isSubscribed(_ channel: ChannelName) -> Bool {
        channels.contains { $0.channel == channel && $0.pending == 0 }
    }

    /// The subscription could not be had: the reply, which makes SDKs try again.
    public mutating func subscribeFailed(_ channel: ChannelName, id: UInt32, _ error: BrokerError) -> Body {
        channels.removeAll { $0.channel == channel }
        return CentrifugeJSONEncoder.errorReply(id: id, .internalError("\(error)"))
    }

    /// What became of a publish: the reply.
    public func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> Body {
        switch result {
        case .success: CentrifugeJSONEncoder.emptyReply(id: id, method: "publish")
        case .failure(let error): CentrifugeJSONEncoder.errorReply(id: id, .internalError("\(error)"))
        }
    }

    mutating func subscribe(
        _ channel: ChannelName, _ rules: ChannelRules, _ request: CentrifugeSubscribe, _ id: UInt32,
        _ grant: SubscriptionGrant?
    ) -> Action {
        guard !channels.contains(where: { $0.channel == channel }) else { return refuse(id, .alreadySubscribed) }
        guard channels.count < policy.maxChannels else {
            return refuse(id, .limitExceeded("a client may have \(policy.maxChannels) channels"))
        }
        let recoversFrom = request.recover ? request.position.offset : nil
        channels.append(.init(channel: channel, pending: id, recoversFrom: recoversFrom, grant: grant))
        return .subscribe(channel, Self.wish(request, rules), id: id)
    }

    /// Never fails, also for a name that no channel can have: SDKs reconnect when it does.
    private mutating func unsubscribe(_ name: ExactText, _ id: UInt32) -> Action {
        let reply = CentrifugeJSONEncoder.emptyReply(id: id, method: "unsubscribe")
        guard let index = index(of: name) else { return .reply(reply) }
        let subscription = channels.remove(at: index)
        guard subscription.pending != 0 else { return .unsubscribe(subscription.channel, replies: [reply]) }
        let first = CentrifugeJSONEncoder.emptyReply(id: subscription.pending, method: "subscribe")
        return .unsubscribe(subscription.channel, replies: [first, reply])
    }

    private func publish(
        _ channel: ChannelName, _ rules: ChannelRules, _ data: ByteBuffer, _ id: UInt32
    ) -> Action {
        guard may(.publish, channel, rules.publish) else { return refuse(id, .permissionDenied) }
        if let limit = rules.maxMessageBytes, data.readableBytes > limit {
            return refuse(id, .limitExceeded("data is above the channel's limit of \(limit) bytes"))
        }
        let payload = Payload(kind: .text, bytes: data)
        guard !payload.isNestedTooDeep else { return refuse(id, .badRequest(JSONDepth.problem)) }
        return .publish(channel, payload, id: id)
    }

    /// Checks a channel's name and finds its rules.
    mutating func channel(
        _ name: ExactText, _ id: UInt32, _ body: (inout CentrifugeSession, ChannelName, ChannelRules) -> Action
    ) -> Action {
        do {
            let channel = try ChannelName(name, limit: policy.maxChannelNameBytes)
            guard let rules = policy.channels.rules(channel) else {
                return refuse(id, .unknownChannel("unknown namespace of channel '\(channel)'"))
            }
            return body(&self, channel, rules)
        } catch {
            return refuse(id, .badRequest("\(error)"))
        }
    }

    func refuse(_ id: UInt32, _ error: CentrifugeError) -> Action {
        .refuse(CentrifugeJSONEncoder.errorReply(id: id, error))
    }
}
