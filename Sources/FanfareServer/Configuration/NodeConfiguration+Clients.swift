import FanfareCore
import FanfareProtocols

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
}
