import FanfareCore
import FanfareWire
import NIOCore

/// What a Socket.IO client may do when: packets in, actions out, no I/O and no clock.
///
/// One per connection, on its event loop. A connection has namespaces, each with a handshake and subscriptions of its own. Nothing
/// runs in the node but this: what an application's handlers do elsewhere are six events here, and what it emits are publications
/// (docs/socketio.md).
public struct SocketIOSession: Sendable {
    /// What is the same for all clients of a node.
    public struct Policy: Sendable {
        public var maxChannelNameBytes: Int
        /// Of all namespaces of a connection together.
        public var maxChannels: Int
        /// Bytes of a packet with its attachments.
        public var maxMessageBytes: Int
        /// Attachments of a packet.
        public var maxAttachments = 10
        /// Seconds from the connection's beginning to its first namespace.
        public var connectSeconds: Int64 = 45
        /// What clients without a token may do.
        public var permissions: ClientPermissions
        /// What clients with one may do, where its capabilities say nothing.
        public var users = ClientPermissions.subscribe
        /// Whether tokens mean nothing here: on a node for a first try that has no keys.
        public var ignoresTokens = false
        public var channels: ChannelRulebook
        /// Most publications in one answer from a channel's history.
        public var maxRecovery = 1_000
        /// Whether sockets are in rooms that emitters name without anybody having asked for them: see ``SocketIORooms``.
        public var opensRooms = false
        /// Whether events come back to their senders, as conformance suites want: a node for tests.
        public var isEcho = false
        /// The socket's id that goes with a private one: a hash, so that who knows the first does not know the second.
        public var socketID: @Sendable (_ pid: String) -> String

        public init(
            maxChannelNameBytes: Int, maxChannels: Int, maxMessageBytes: Int, permissions: ClientPermissions,
            channels: ChannelRulebook = ChannelRulebook(), socketID: @escaping @Sendable (_ pid: String) -> String
        ) {
            self.maxChannelNameBytes = maxChannelNameBytes
            self.maxChannels = maxChannels
            self.maxMessageBytes = maxMessageBytes
            self.permissions = permissions
            self.channels = channels
            self.socketID = socketID
        }
    }

    /// A policy in memory that all its clients share.
    public final class SharedPolicy: Sendable {
        let policy: Policy
        /// Whether any channel is recovered: those of `/` may be any.
        let isRecoverable: Bool

        public init(_ policy: Policy) {
            self.policy = policy
            let rules = [policy.channels.plain] + Array(policy.channels.namespaces.values)
            isRecoverable = rules.contains { $0.recovery == .stream }
        }

        /// How publications in the namespace `/` read.
        public var format: WireFormat { isRecoverable ? .socketIOGuarded : .socketIO }
    }

    let shared: SharedPolicy
    var policy: Policy { shared.policy }
    /// By which other clients and the operator know this one.
    public let clientID: String
    /// The token of the handshake's request, for a CONNECT without one.
    let requestToken: String?
    /// Second of the monotonic clock at which the first namespace must be joined; `nil`: it was.
    var connectBy: Int64?
    /// Joined, or about to be.
    var namespaces: [SocketIONamespace] = []
    var assembler = SocketIOAssembler()
    /// A command that came and is not begun: none or one.
    var waiting: [SocketIOCommand] = []
    /// Whether only what the client published counts.
    private var hasEnded = false
    /// Whether a handshake may bring channels back. Not on a connection on which the client has left a namespace: it has lost nothing, and
    /// one handshake after the other would be many reads each.
    var mayRecover = true
    /// Handshakes whose token was refused.
    var refusals: UInt8 = 0
    /// The command whose token is being checked: none or one.
    var asking: [SocketIOCommand] = []
    /// Answers that clients wait for, by the number that the broker's answer has.
    var calls: [UInt32: Call] = [:]
    private var lastNumber: UInt32 = 0

    /// Who waits for an answer.
    struct Call: Sendable {
        let namespace: ExactText
        /// `nil`: nobody.
        let ack: UInt64?
    }

    /// - Parameters:
    ///   - requestToken: of the handshake's request.
    ///   - now: when the connection began.
    public init(_ shared: SharedPolicy, clientID: String, requestToken: String? = nil, now: TokenTime) {
        self.shared = shared
        self.clientID = clientID
        self.requestToken = requestToken
        connectBy = now.monotonic.addingClamped(shared.policy.connectSeconds)
    }

    /// Whether the client waits for attachments of a packet.
    public var isWithinPacket: Bool { assembler.isWithinPacket }

    /// The user's id; empty: none.
    public var user: ExactText { namespaces.lazy.map(\.grants.user).first { !$0.isEmpty } ?? "" }

    /// Channels subscribed or asked for.
    public var channelCount: Int { namespaces.reduce(0) { $0 + $1.subscriptions.count } }

    /// What others see of it in a channel.
    func info(in channel: ChannelName) -> ClientInfo {
        let namespace = namespaces.first { $0.index(of: channel) != nil } ?? namespaces.first
        return ClientInfo(
            client: ExactText(clientID), identity: namespace?.grants.identity,
            inChannel: namespace?.grants[channel]?.info)
    }

    /// A message came. Its packet is begun by and by.
    mutating func take(_ message: Payload) -> Session.Taken {
        guard assembler.bytes + message.bytes.readableBytes <= policy.maxMessageBytes else {
            return .action(.disconnect(.messageTooBig))
        }
        do {
            guard let whole = try assembler.take(message, maxAttachments: policy.maxAttachments) else {
                return .commands(0)
            }
            waiting.append(SocketIOCommand(whole, isEchoed: policy.isEcho))
            return .commands(1)
        } catch {
            return .action(.disconnect(.badRequest, reason: "\(error)"))
        }
    }

    /// The next command that came, if it may begin.
    mutating func next(mayRead: Bool) -> Session.Next {
        while let command = waiting.first {
            if hasEnded, !command.isPublish {
                waiting.removeFirst()
                continue
            }
            if command.isRead, !mayRead { return .wait }
            waiting.removeFirst()
            return .perform(.socketIO(command), weight: command.weight(withToken: requestToken != nil))
        }
        return .none
    }

    /// The client has ended its half: of what it sent, only what it published counts.
    mutating func keepPublications() { hasEnded = true }

    /// Begins a command.
    public mutating func perform(_ command: SocketIOCommand) -> SessionAction {
        if case .connect(let request) = command.method { return connect(command, request) }
        guard let index = namespaces.firstIndex(where: { $0.name == command.namespace && $0.isConnected }) else {
            return .disconnect(.badRequest, reason: "the namespace '\(command.namespace)' is not joined")
        }
        switch command.method {
        case .connect, .ack: return .none
        case .disconnect: return leave(index)
        case .refused(let error): return refuse(command, error)
        case .echo(let event, let attachments): return echo(command, event, attachments)
        case .subscribe(let request):
            return channel(request.room, command) { $0.admit($1, $2, request, index, command) }
        case .unsubscribe(let room):
            return channel(room, command) { session, channel, _ in
                session.unsubscribe(channel, index, command)
            }
        case .publish(let room, let data):
            return channel(room, command) { $0.publish($1, $2, data, index, command) }
        case .presence(let room): return channel(room, command) { $0.presence($1, $2, index, command, isStats: false) }
        case .presenceStats(let room):
            return channel(room, command) { $0.presence($1, $2, index, command, isStats: true) }
        case .history(let request):
            return channel(request.room, command) { $0.history($1, $2, request, index, command) }
        }
    }

    /// Refuses a command that came too early.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    func refuseForNow(_ command: SocketIOCommand, wait: UInt64) -> SessionAction {
        // A CONNECT_ERROR would keep the client away.
        guard !command.isConnect else { return .disconnect(.tryAgainLater, reason: "too many handshakes") }
        guard namespaces.contains(where: { $0.name == command.namespace && $0.isConnected }) else {
            return .disconnect(.badRequest, reason: "the namespace '\(command.namespace)' is not joined")
        }
        return refuse(command, .tooManyRequests(retryAfter: wait / 1_000 + (wait % 1_000 == 0 ? 0 : 1)))
    }

    /// Tells the client why its event did nothing, if it wants to hear.
    func refuse(_ command: SocketIOCommand, _ error: CentrifugeError) -> SessionAction {
        guard let ack = command.ack else { return .dropped }
        return .refuse(SocketIOWriter.ack(command.namespace, ack, error))
    }

    /// Checks a room's name and finds the rules of its channel.
    private mutating func channel(
        _ room: ExactText, _ command: SocketIOCommand,
        _ body: (inout SocketIOSession, ChannelName, ChannelRules) -> SessionAction
    ) -> SessionAction {
        do {
            let name = SocketIONamespace.channel(of: room, in: command.namespace)
            let channel = try ChannelName(name, limit: policy.maxChannelNameBytes)
            guard let rules = policy.channels.rules(channel) else {
                return refuse(command, .unknownChannel("unknown namespace of channel '\(channel)'"))
            }
            return body(&self, channel, rules)
        } catch {
            return refuse(command, .badRequest("\(error)"))
        }
    }

    /// Whether the client may do that in a channel.
    func may(_ action: ChannelActions, _ channel: ChannelName, _ access: ChannelRules.Access, _ index: Int) -> Bool {
        let namespace = namespaces[index]
        guard !SocketIORooms.isRoom(channel, of: namespace.name) else { return false }
        return namespace.grants.may(action, in: channel, access, isSubscribed: namespace.isSubscribed(channel))
    }

    /// A number that nothing under way has.
    mutating func makeNumber() -> UInt32 {
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        return lastNumber
    }
}
