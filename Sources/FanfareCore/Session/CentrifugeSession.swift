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

        public init(
            clientID: String, nodeName: String, version: String, pingSeconds: Int?, maxChannelNameBytes: Int,
            maxChannels: Int, permissions: ClientPermissions
        ) {
            self.clientID = clientID
            self.nodeName = nodeName
            self.version = version
            self.pingSeconds = pingSeconds
            self.maxChannelNameBytes = maxChannelNameBytes
            self.maxChannels = maxChannels
            self.permissions = permissions
        }
    }

    /// What to do next.
    public enum Action: Sendable, Equatable {
        /// Nothing.
        case none
        /// Send this ready frame.
        case reply(ByteBuffer)
        /// Send this ready frame; it refuses a command.
        case refuse(ByteBuffer)
        /// Subscribe the client, then report back.
        case subscribe(ChannelName, id: UInt32)
        /// Unsubscribe the client, then send these ready frames.
        case unsubscribe(ChannelName, reply: ByteBuffer)
        /// Publish, then report back.
        case publish(ChannelName, Payload, id: UInt32)
        /// End the client.
        case disconnect(Disconnect)
    }

    private let policy: Policy
    /// Whether `connect` was accepted.
    public private(set) var isConnected = false
    /// Channels subscribed or asked for; few, so an array that is nothing when empty.
    private var channels: [Subscription] = []

    private struct Subscription {
        let channel: ChannelName
        /// The command that waits for its answer; 0: in force.
        var pending: UInt32
    }

    public init(policy: Policy) { self.policy = policy }

    /// Channels subscribed or asked for.
    public var channelCount: Int { channels.count }

    /// The next command.
    public mutating func receive(_ command: CentrifugeCommand) -> Action {
        let id = command.id
        if case .connect = command.method { return connect(id) }
        guard isConnected else { return .disconnect(.badRequest) }
        switch command.method {
        case .connect: return .disconnect(.badRequest)
        case .pong, .send: return .none
        case .ping: return .reply(CentrifugeJSONEncoder.emptyReply(id: id, method: "ping"))
        case .subscribe(let name): return channel(name, id) { $0.subscribe($1, id) }
        case .unsubscribe(let name): return unsubscribe(name, id)
        case .publish(let name, let data): return channel(name, id) { $0.publish($1, data, id) }
        case .presence, .presenceStats: return refuse(id, .notAvailable("presence is not available"))
        case .history: return refuse(id, .notAvailable("history is not available"))
        case .rpc: return refuse(id, .notAvailable("rpc is not available"))
        case .refresh, .subRefresh: return refuse(id, .notAvailable("tokens are not in use"))
        }
    }

    /// The subscription is in force: the reply.
    public mutating func subscribed(_ channel: ChannelName, id: UInt32) -> ByteBuffer {
        if let index = channels.firstIndex(where: { $0.channel == channel }) { channels[index].pending = 0 }
        return CentrifugeJSONEncoder.emptyReply(id: id, method: "subscribe")
    }

    /// The subscription could not be had: the reply, which makes SDKs try again.
    public mutating func subscribeFailed(_ channel: ChannelName, id: UInt32, _ error: BrokerError) -> ByteBuffer {
        channels.removeAll { $0.channel == channel }
        return CentrifugeJSONEncoder.errorReply(id: id, .internalError("\(error)"))
    }

    /// What became of a publish: the reply.
    public func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> ByteBuffer {
        switch result {
        case .success: CentrifugeJSONEncoder.emptyReply(id: id, method: "publish")
        case .failure(let error): CentrifugeJSONEncoder.errorReply(id: id, .internalError("\(error)"))
        }
    }

    private mutating func connect(_ id: UInt32) -> Action {
        guard !isConnected else { return .disconnect(.badRequest) }
        guard policy.permissions.mayConnect else { return refuse(id, .unauthorized) }
        isConnected = true
        return .reply(
            CentrifugeJSONEncoder.connectReply(
                id: id, client: policy.clientID, version: policy.version, node: policy.nodeName,
                ping: policy.pingSeconds))
    }

    private mutating func subscribe(_ channel: ChannelName, _ id: UInt32) -> Action {
        guard policy.permissions.maySubscribe else { return refuse(id, .permissionDenied) }
        guard !channels.contains(where: { $0.channel == channel }) else { return refuse(id, .alreadySubscribed) }
        guard channels.count < policy.maxChannels else {
            return refuse(id, .limitExceeded("a client may have \(policy.maxChannels) channels"))
        }
        channels.append(.init(channel: channel, pending: id))
        return .subscribe(channel, id: id)
    }

    /// Never fails, also for a name that no channel can have: SDKs reconnect when it does.
    private mutating func unsubscribe(_ name: String, _ id: UInt32) -> Action {
        let reply = CentrifugeJSONEncoder.emptyReply(id: id, method: "unsubscribe")
        guard let index = channels.firstIndex(where: { $0.channel.string == name }) else { return .reply(reply) }
        let subscription = channels.remove(at: index)
        guard subscription.pending != 0 else { return .unsubscribe(subscription.channel, reply: reply) }
        var replies = CentrifugeJSONEncoder.emptyReply(id: subscription.pending, method: "subscribe")
        replies.writeImmutableBuffer(reply)
        return .unsubscribe(subscription.channel, reply: replies)
    }

    private func publish(_ channel: ChannelName, _ data: ByteBuffer, _ id: UInt32) -> Action {
        guard policy.permissions.mayPublish else { return refuse(id, .permissionDenied) }
        return .publish(channel, Payload(kind: .text, bytes: data), id: id)
    }

    private mutating func channel(
        _ name: String, _ id: UInt32, _ body: (inout CentrifugeSession, ChannelName) -> Action
    ) -> Action {
        do {
            return body(&self, try ChannelName(name, limit: policy.maxChannelNameBytes))
        } catch {
            return refuse(id, .badRequest("\(error)"))
        }
    }

    private func refuse(_ id: UInt32, _ error: CentrifugeError) -> Action {
        .refuse(CentrifugeJSONEncoder.errorReply(id: id, error))
    }
}
