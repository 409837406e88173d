import FanfareCore
import FanfareWire
import NIOCore

/// What a client of the Centrifuge protocol may do when: commands in, actions out, no I/O and no clock.
///
/// One per client, on its event loop. Whoever carries out `subscribe` reports back with ``subscribed(_:id:_:)`` or
/// ``subscribeFailed(_:id:_:)``, unless the client unsubscribed meanwhile: then both commands are answered at once, as if the
/// subscription had been in force for a moment. An SDK that waited for the first answer until its timeout would take the whole
/// connection for dead.
public struct CentrifugeSession: Sendable {
    /// What is the same for all clients of a node.
    public struct Policy: Sendable {
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
        /// Most commands in one message.
        public var maxCommands = 512

        public init(
            nodeName: String, version: String, pingSeconds: Int?, maxChannelNameBytes: Int,
            maxChannels: Int, permissions: ClientPermissions, channels: ChannelRulebook = ChannelRulebook(),
            maxRecovery: Int = 1_000
        ) {
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

    /// A policy in memory that all its clients share.
    public final class SharedPolicy: Sendable {
        let policy: Policy

        public init(_ policy: Policy) { self.policy = policy }
    }

    private let shared: SharedPolicy
    var policy: Policy { shared.policy }
    /// By which other clients and the operator know this one.
    public let clientID: String
    /// How it is connected, where that is not one socket for both ways.
    var link: CentrifugeLink?
    /// Who the client is and what it may do.
    public internal(set) var grants: Grants
    /// What a `connect` with a token leaves: none or one, so an array that is nothing when empty.
    var connects: [ConnectState] = []
    /// Channels subscribed or asked for; few, so an array that is nothing when empty.
    var channels: [Subscription] = []
    /// The command whose token is being checked: none or one.
    var asking: [CentrifugeCommand] = []
    /// Messages with commands that are not begun.
    var queue = CommandQueue()
    // Small ones last, in one word.
    /// How its client writes and reads.
    let encoding: CentrifugeEncoding
    /// Whether `connect` was accepted.
    public internal(set) var isConnected = false

    struct Subscription {
        let channel: ChannelName
        /// The command that waits for its answer; 0: in force.
        var pending: UInt32
        /// What a push says with it; `nil`: no push tells of it, for the client asked.
        var announcement: Announcement?
        /// The offset with which the client came back; `nil`: it comes for the first time.
        var recoversFrom: UInt64?
        /// Whether publications come as deltas.
        var hasDeltas = false
        /// Whether the client gets only what its filter lets through.
        var isFiltered = false
        /// Whether a reply has to say what became of it.
        var owesReply: Bool { pending != 0 && announcement == nil }
    }

    /// - Parameter link: `nil` for a client that speaks and hears on one socket.
    public init(
        _ shared: SharedPolicy, clientID: String, encoding: CentrifugeEncoding = .json, link: CentrifugeLink? = nil
    ) {
        self.shared = shared
        self.clientID = clientID
        self.encoding = encoding
        self.link = link
        grants = Grants(anonymous: shared.policy.permissions)
    }

    var encoder: any CentrifugeEncoder.Type { encoding.encoder }

    /// Channels subscribed or asked for.
    public var channelCount: Int { channels.count }

    /// A message came. Its commands are begun by and by.
    mutating func take(_ message: Payload) -> Session.Taken {
        guard message.kind == encoding.kind else { return .action(.disconnect(.unsupportedData)) }
        guard let bytes = isUnidirectional ? connectCommand(message.bytes) : message.bytes else {
            return hasBegunToConnect ? .commands(0) : .action(.disconnect(.badRequest, reason: Self.noConnect))
        }
        do {
            let message = try CentrifugeMessage(
                bytes, encoding, maxCommands: policy.maxCommands, maxSubscriptions: policy.maxChannels)
            queue.add(message)
            return .commands(message.count)
        } catch {
            return .action(.disconnect(.badRequest, reason: "\(error)"))
        }
    }

    /// The next command.
    public mutating func receive(_ command: CentrifugeCommand) -> SessionAction {
        let id = command.id
        if case .connect(let request) = command.method { return connect(command, request) }
        guard isConnected else { return .disconnect(.badRequest) }
        switch command.method {
        case .connect: return .disconnect(.badRequest)
        case .pong: return .none
        case .send: return .disconnect(.notAvailable)
        case .ping: return .send(encoder.emptyReply(id: id, method: .ping))
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
        var ttl: UInt32?
        let index = channels.firstIndex { $0.channel == channel }
        if let index {
            channels[index].pending = 0
            ttl = grants[channel]?.ttl
        }
        let rules = policy.channels.rules(channel) ?? ChannelRules()
        var subscription = reply(start, rules, index.map { channels[$0] })
        subscription.ttl = ttl
        if connecting?.id == id { return begun(channel, subscription) }
        return encoder.subscribeReply(id: id, subscription)
    }

    /// The node ended the subscription: what the client is told.
    public mutating func unsubscribed(_ channel: ChannelName, _ reason: UnsubscribeReason) -> Body {
        forget(channel)
        switch reason {
        case .insufficientState:
            return push(encoder.unsubscribePush(channel, code: 2500, reason: "insufficient state"))
        }
    }

    mutating func forget(_ channel: ChannelName) {
        channels.removeAll { $0.channel == channel }
        grants[channel] = nil
    }

    /// The place in ``channels`` of a channel that a client named; `nil` also for what can't be a channel's name.
    func index(of name: ExactText) -> Int? { channels.firstIndex { $0.channel.text == name } }

    /// Whether the client is subscribed, and not only about to be.
    func isSubscribed(_ channel: ChannelName) -> Bool {
        channels.contains { $0.channel == channel && $0.pending == 0 }
    }

    /// The subscription could not be had: the reply, which makes SDKs try again unless a limit is reached.
    public mutating func subscribeFailed(_ channel: ChannelName, id: UInt32, _ error: BrokerError) -> Body {
        forget(channel)
        let isLimit = error == .tooManyFilters
        return encoder.errorReply(id: id, isLimit ? .limitExceeded("\(error)") : .internalError("\(error)"))
    }

    /// What became of a publish: the reply.
    public func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> Body {
        switch result {
        case .success: encoder.emptyReply(id: id, method: .publish)
        case .failure(let error): encoder.errorReply(id: id, .internalError("\(error)"))
        }
    }

    mutating func subscribe(
        _ channel: ChannelName, _ rules: ChannelRules, _ request: CentrifugeSubscribe, _ id: UInt32,
        _ grant: SubscriptionGrant?
    ) -> SessionAction {
        guard !channels.contains(where: { $0.channel == channel }) else { return refuse(id, .alreadySubscribed) }
        guard channels.count < policy.maxChannels else {
            return refuse(id, .limitExceeded("a client may have \(policy.maxChannels) channels"))
        }
        let selection: Selection?
        do throws(CentrifugeError) { selection = try Self.selection(request, rules) } catch { return refuse(id, error) }
        var subscription = Subscription(
            channel: channel, pending: id, recoversFrom: request.recover ? request.position.offset : nil)
        switch selection {
        case .deltas: subscription.hasDeltas = true
        case .filtered: subscription.isFiltered = true
        case nil: break
        }
        channels.append(subscription)
        grants[channel] = grant
        return .subscribe(channel, Self.wish(request, rules), selection, id: id)
    }

    /// Never fails, also for a name that no channel can have: SDKs reconnect when it does.
    private mutating func unsubscribe(_ name: ExactText, _ id: UInt32) -> SessionAction {
        let reply = encoder.emptyReply(id: id, method: .unsubscribe)
        guard let index = index(of: name) else { return .send(reply) }
        let subscription = channels.remove(at: index)
        grants[subscription.channel] = nil
        guard subscription.owesReply else { return .unsubscribe(subscription.channel, replies: [reply]) }
        let first = encoder.emptyReply(id: subscription.pending, method: .subscribe)
        return .unsubscribe(subscription.channel, replies: [first, reply])
    }

    private func publish(
        _ channel: ChannelName, _ rules: ChannelRules, _ data: ByteBuffer, _ id: UInt32
    ) -> SessionAction {
        guard may(.publish, channel, rules.publish) else { return refuse(id, .permissionDenied) }
        if let limit = rules.maxMessageBytes, data.readableBytes > limit {
            return refuse(id, .limitExceeded("data is above the channel's limit of \(limit) bytes"))
        }
        let payload = encoding.payload(data)
        guard !payload.isNestedTooDeep else { return refuse(id, .badRequest(JSONDepth.problem)) }
        return .publish(channel, payload, id: id)
    }

    /// Checks a channel's name and finds its rules.
    mutating func channel(
        _ name: ExactText, _ id: UInt32, _ body: (inout CentrifugeSession, ChannelName, ChannelRules) -> SessionAction
    ) -> SessionAction {
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

    func refuse(_ id: UInt32, _ error: CentrifugeError) -> SessionAction {
        isUnidirectional
            ? .disconnect(error.disconnect, reason: error.message)
            : .refuse(encoder.errorReply(id: id, error))
    }
}
