import FanfareWire
import NIOCore

/// Who a client is and what it may do, as its token says it. Immutable: a refresh makes a new one.
public final class ClientIdentity: Sendable {
    /// The backend's id of the user; empty: none.
    public let user: ExactText
    /// JSON that others see beside the user.
    public let info: ByteBuffer?
    /// When it ends; `nil`: never.
    public let expiry: TokenExpiry?
    /// All that it may do, besides what subscription tokens open; `nil`: ``permissions`` and the channels' rules say it.
    public let capabilities: [ChannelCapability]?
    /// What the configuration gives to clients of this kind.
    public let permissions: ClientPermissions

    /// A client that a token speaks for.
    ///
    /// - Parameter now: when the token was accepted.
    public init(_ claims: ConnectClaims, permissions: ClientPermissions, now: TokenTime) {
        user = claims.user
        info = claims.info
        expiry = claims.expiresAt.map { TokenExpiry($0, acceptedAt: now) }
        capabilities = claims.capabilities
        self.permissions = permissions
    }

    /// The same client, as a backend changes it.
    ///
    /// - Parameters:
    ///   - other: what it was; `nil`: a client without a token.
    ///   - permissions: of one without a token.
    ///   - expiresAt: seconds since 1970; `nil`: never.
    ///   - info: `nil`: as before.
    init(
        _ other: ClientIdentity?, permissions: ClientPermissions, expiresAt: Int64?, info: ByteBuffer?, now: TokenTime
    ) {
        user = other?.user ?? ""
        self.info = info ?? other?.info
        expiry = expiresAt.map { TokenExpiry($0, acceptedAt: now) }
        capabilities = other?.capabilities
        self.permissions = other?.permissions ?? permissions
    }
}

extension ClientPermissions {
    /// Whether a client with these permissions may do that in a channel.
    ///
    /// - Parameters:
    ///   - access: whom the channel's rules let do it.
    ///   - identity: what its token says; `nil`: it has none.
    ///   - isSubscribed: whether the client is subscribed to the channel; asked only where that matters.
    public func allow(
        _ action: ChannelActions, in channel: ChannelName, _ access: ChannelRules.Access, _ identity: ClientIdentity?,
        isSubscribed: @autoclosure () -> Bool
    ) -> Bool {
        let boundary = ChannelBoundary(channel)
        if boundary == .token, !isSubscribed() { return false }
        guard boundary.includes(user: identity?.user ?? "") else { return false }
        if let capabilities = identity?.capabilities {
            return capabilities.actions(in: channel.text).contains(action)
        }
        guard action == .publish ? mayPublish : maySubscribe else { return false }
        return switch access {
        case .nobody: false
        case .subscribers: isSubscribed()
        case .clients: true
        }
    }
}

/// What let a client into a channel, where that was not the channel's rules. Immutable: a refresh makes a new one.
public final class SubscriptionGrant: Sendable {
    /// Who gave it.
    public enum Source: Sendable {
        /// A token of the subscription, which the client asked for.
        case subscriptionToken
        /// The connection's token, which names the channel.
        case connectionToken
        /// A command of the backend.
        case backend
    }

    public let source: Source
    /// Whether the node made the subscription, and not the client.
    public var isServerSide: Bool { source != .subscriptionToken }
    /// JSON that others see beside the user in this channel; `nil`: as in the connection.
    public let info: ByteBuffer?
    /// When it ends; `nil`: with the connection.
    public let expiry: TokenExpiry?
    /// Seconds that it had when it was given; `nil`: it does not end.
    public let ttl: UInt32?
    /// What the client may do in the channel besides hearing.
    public let allow: ChannelActions

    /// What a token of the subscription gave.
    public init(_ claims: SubscriptionClaims, now: TokenTime) {
        source = .subscriptionToken
        info = claims.info
        expiry = claims.expiresAt.map { TokenExpiry($0, acceptedAt: now) }
        ttl = expiry?.ttl(now)
        allow = claims.allow ?? []
    }

    /// What the connection's token gave by naming the channel.
    public init(_ subscription: ServerSubscription) {
        source = .connectionToken
        info = subscription.info
        expiry = nil
        ttl = nil
        allow = []
    }

    /// What a backend gave.
    public init(_ subscription: CommandedSubscription, now: TokenTime) {
        source = .backend
        info = subscription.info
        expiry = subscription.expiresAt.map { TokenExpiry($0, acceptedAt: now) }
        ttl = nil
        allow = []
    }
}

extension ClientInfo {
    /// A client with what its token says of it. What is above ``maximumInfoBytes`` is left out: nobody else shall carry it.
    public init(client: ExactText, identity: ClientIdentity?, inChannel info: ByteBuffer? = nil) {
        func small(_ info: ByteBuffer?) -> ByteBuffer? {
            info.flatMap { $0.readableBytes <= Self.maximumInfoBytes ? $0 : nil }
        }
        self.init(
            client: client, user: identity?.user ?? "", connInfo: small(identity?.info), chanInfo: small(info))
    }
}
