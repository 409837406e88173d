import FanfareWire
import NIOCore

/// What a connection token says about its bearer; the names of the claims are Centrifugo's.
public struct ConnectClaims: Sendable, Equatable {
    /// `sub`: the backend's id of the user; empty where the token names none.
    public var user: ExactText = ""
    /// `info` or `b64info`: JSON that others see beside the user.
    public var info: ByteBuffer?
    /// `expire_at`, else `exp`: when the connection must have been refreshed, seconds since 1970; `nil`: never.
    public var expiresAt: Int64?
    /// `subs` or `channels`: channels to which the node subscribes the client by itself.
    public var subscriptions: [ServerSubscription] = []
    /// Whether the token has one of these claims, be it empty: then a refresh ends those that are not among them.
    public var listsSubscriptions = false
    /// `caps`: all that the client may do; `nil`: what the configuration lets any user do.
    public var capabilities: [ChannelCapability]?

    public init() {}
}

/// A subscription that a token makes for its bearer.
public struct ServerSubscription: Sendable, Equatable {
    /// The channel's name, not held against the node's rules yet.
    public var channel: ExactText
    /// JSON that others see beside the user in this channel; `nil`: as in the connection.
    public var info: ByteBuffer?

    public init(channel: ExactText, info: ByteBuffer? = nil) {
        self.channel = channel
        self.info = info
    }
}

/// What a subscription token says.
public struct SubscriptionClaims: Sendable, Equatable {
    /// `sub`: the user for whom it is, empty for one without a name.
    public var user: ExactText = ""
    /// `channel`: the channel that it opens.
    public var channel: ExactText = ""
    /// `client`: the one client for which it is; `nil`: any of the user's.
    public var client: ExactText?
    /// `info` or `b64info`: JSON that others see beside the user in this channel.
    public var info: ByteBuffer?
    /// `expire_at`, else `exp`: when the subscription must have been refreshed, seconds since 1970; `nil`: never.
    public var expiresAt: Int64?
    /// `allow`: what its bearer may do in the channel besides hearing; `nil`: what the configuration says.
    public var allow: ChannelActions?

    public init() {}
}
