import Crypto
import FanfareCore
import FanfareProtocols
import FanfareWire

/// What the configuration says of clients.
extension NodeConfiguration {
    /// What a client with a token may do, where its capabilities say nothing.
    var userPermissions: ClientPermissions {
        if dev { return .publish }
        return switch users {
        case .subscribe: .subscribe
        case .publish: .publish
        }
    }

    /// What a client without credentials may do.
    var anonymousPermissions: ClientPermissions {
        switch effectiveAnonymous {
        case .none: .none
        case .subscribe: .subscribe
        case .publish: .publish
        }
    }

    /// What is the same for all clients of the Centrifuge protocol.
    func centrifugePolicy(ignoresTokens: Bool) -> CentrifugeSession.Policy {
        var policy = CentrifugeSession.Policy(
            nodeName: nodeName, version: FanfareVersion.string,
            pingSeconds: keepAlive.pingInterval.map { Int($0.components.seconds) },
            maxChannelNameBytes: limits.maxChannelNameBytes, maxChannels: limits.maxChannelsPerClient,
            permissions: anonymousPermissions, channels: channels, maxRecovery: limits.maxRecovery)
        policy.users = userPermissions
        policy.ignoresTokens = ignoresTokens
        policy.maxCommands = limits.maxCommandsPerMessage
        return policy
    }

    /// What is the same for all clients of Socket.IO.
    func socketIOPolicy(ignoresTokens: Bool) -> SocketIOSession.Policy {
        var policy = SocketIOSession.Policy(
            maxChannelNameBytes: limits.maxChannelNameBytes, maxChannels: limits.maxChannelsPerClient,
            maxMessageBytes: limits.maxMessageBytes, permissions: anonymousPermissions, channels: channels,
            socketID: emitters.formats.isEmpty ? Self.socketID : Self.markedSocketID)
        policy.opensRooms = !emitters.formats.isEmpty
        policy.users = userPermissions
        policy.ignoresTokens = ignoresTokens || echo
        policy.maxRecovery = limits.maxRecovery
        policy.maxAttachments = limits.maxAttachments
        policy.isEcho = echo
        policy.connectSeconds = limits.socketIOConnectTimeout.components.seconds
        return policy
    }

    /// What is the same for all clients of STOMP.
    func stompPolicy(ignoresTokens: Bool) -> STOMPSession.Policy {
        var policy = STOMPSession.Policy(
            maxChannelNameBytes: limits.maxChannelNameBytes, maxChannels: limits.maxChannelsPerClient,
            maxMessageBytes: limits.maxMessageBytes, permissions: anonymousPermissions, channels: channels)
        policy.maxFrames = limits.maxCommandsPerMessage
        policy.maxUnackedBytes = limits.maxQueueBytes / 2
        policy.ackTimeout = limits.ackTimeout.components.seconds
        policy.users = userPermissions
        policy.ignoresTokens = ignoresTokens
        // A ping is up to two ticks of the wheel late.
        policy.heartBeat = keepAlive.pingInterval.map { $0.microseconds / 1_000 + 250 } ?? 0
        policy.server = "fanfare/\(FanfareVersion.string)"
        return policy
    }

    /// What is the same for all clients of MQTT.
    func mqttPolicy(ignoresTokens: Bool, clock: NodeClock) -> MQTTSession.Policy {
        var policy = MQTTSession.Policy(
            maxChannelNameBytes: limits.maxChannelNameBytes, maxChannels: limits.maxChannelsPerClient,
            maxPacketBytes: limits.maxMessageBytes, permissions: anonymousPermissions, channels: channels)
        policy.maxInFlightBytes = limits.maxQueueBytes / 2
        policy.maxPackets = limits.maxCommandsPerMessage
        policy.users = userPermissions
        policy.ignoresTokens = ignoresTokens
        policy.now = { clock.wallMicroseconds() }
        return policy
    }

    /// What is the same for all clients of GraphQL.
    func graphQLPolicy(ignoresTokens: Bool) -> GraphQLSession.Policy {
        var policy = GraphQLSession.Policy(
            maxChannelNameBytes: limits.maxChannelNameBytes, maxChannels: limits.maxChannelsPerClient,
            permissions: anonymousPermissions, channels: channels)
        policy.maxRecovery = limits.maxRecovery
        policy.users = userPermissions
        policy.ignoresTokens = ignoresTokens
        (policy.nodeName, policy.version) = (nodeName, FanfareVersion.string)
        return policy
    }

    private static func base64URL(_ character: UInt8) -> UInt8 {
        switch character {
        case UInt8(ascii: "+"): UInt8(ascii: "-")
        case UInt8(ascii: "/"): UInt8(ascii: "_")
        default: character
        }
    }

    /// The same where sockets have rooms of their own: the first character says that it is no other room's name.
    private static let markedSocketID: @Sendable (String) -> String = { pid in
        SocketIORooms.idMark + socketID(pid).dropFirst()
    }

    /// Twenty characters, as Socket.IO's ids have; out of them nobody finds the private id.
    private static let socketID: @Sendable (String) -> String = { pid in
        let text = Base64.encode(Array(SHA256.hash(data: Array(pid.utf8)).prefix(15)))
        return String(decoding: text.map(Self.base64URL), as: UTF8.self)
    }
}
