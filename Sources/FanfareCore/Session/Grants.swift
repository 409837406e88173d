import FanfareWire
import NIOCore

/// Who a client is and what it may do where: what its tokens opened and, where it has none, what the configuration gives.
///
/// All protocols ask here, and only here. Each token says all that its bearer may do: a new one takes back what it leaves out.
public struct Grants: Sendable {
    private let anonymous: ClientPermissions
    /// Who the client is; `nil`: one without a token.
    public var identity: ClientIdentity?
    /// Few, so an array that is nothing when empty.
    private var channels: [(channel: ChannelName, grant: SubscriptionGrant)] = []

    /// - Parameters:
    ///   - anonymous: what a client without a token may do.
    ///   - identity: what its token says, where it came with one.
    public init(anonymous: ClientPermissions, identity: ClientIdentity? = nil) {
        self.anonymous = anonymous
        self.identity = identity
    }

    /// The user's id; empty: none.
    public var user: ExactText { identity?.user ?? "" }

    /// Whether the client may have a session at all.
    public var mayConnect: Bool { (identity?.permissions ?? anonymous).mayConnect }

    /// Whether the client may do that in a channel.
    ///
    /// - Parameters:
    ///   - access: whom the channel's rules let do it.
    ///   - isSubscribed: whether the client is subscribed to the channel; asked only where that matters.
    public func may(
        _ action: ChannelActions, in channel: ChannelName, _ access: ChannelRules.Access,
        isSubscribed: @autoclosure () -> Bool
    ) -> Bool {
        let permissions = identity?.permissions ?? anonymous
        if permissions.allow(action, in: channel, access, identity, isSubscribed: isSubscribed()) { return true }
        return self[channel]?.allow.contains(action) == true
    }

    /// What let the client into a channel, where that was not the channel's rules. Goes with the subscription.
    public subscript(channel: ChannelName) -> SubscriptionGrant? {
        get { channels.first { $0.channel == channel }?.grant }
        set {
            let index = channels.firstIndex { $0.channel == channel }
            switch (index, newValue) {
            case (let index?, let grant?): channels[index].grant = grant
            case (let index?, nil): channels.remove(at: index)
            case (nil, let grant?): channels.append((channel, grant))
            case (nil, nil): break
            }
        }
    }

    /// Takes back all that was opened by channel.
    public mutating func closeChannels() { channels = [] }

    /// Whether the node made this subscription; such a one can't be lost while the connection goes on.
    public func isServerSide(_ channel: ChannelName) -> Bool { self[channel]?.isServerSide == true }

    /// Changes what the backend says of the client.
    ///
    /// - Parameters:
    ///   - expiresAt: seconds since 1970; `nil`: never.
    ///   - info: `nil`: as before.
    public mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) {
        identity = ClientIdentity(identity, permissions: anonymous, expiresAt: expiresAt, info: info, now: now)
    }

    /// Whether a subscription goes on with a new token of the connection, which is ``identity`` by now.
    ///
    /// - Parameters:
    ///   - claims: what it says.
    ///   - listed: the channels that it lists.
    ///   - rules: those of the channel; `nil`: there are none any more.
    public func keep(
        _ channel: ChannelName, _ claims: ConnectClaims, listed: Set<ExactText>, _ rules: ChannelRules?
    ) -> Bool {
        if let grant = self[channel] {
            // It has a token of its own and ends with that, or the backend wants it.
            guard grant.source == .connectionToken else { return true }
            if listed.contains(channel.text) { return true }
            // The node made it because the token before listed it. A token that lists others takes it back; one that says
            // nothing of channels leaves it to what the client may do by itself.
            guard !claims.listsSubscriptions, ChannelBoundary(channel) != .token else { return false }
        }
        guard let rules, let identity else { return false }
        return identity.permissions.allow(.subscribe, in: channel, rules.subscribe, identity, isSubscribed: true)
    }
}

/// When what tokens opened ends. Nothing here holds a clock: whoever has one asks.
extension Grants {
    /// Seconds until the first of the connection's and the subscriptions' tokens expires, 0 and below: it has; `nil`: none
    /// ever does.
    public func secondsLeft(_ now: TokenTime) -> Int64? {
        var next = identity?.expiry?.left(now)
        for (_, grant) in channels {
            guard let left = grant.expiry?.left(now) else { continue }
            next = min(next ?? left, left)
        }
        return next
    }

    /// Whether the connection's token expired `grace` seconds ago or before.
    public func hasExpired(_ now: TokenTime, grace: Int64) -> Bool {
        (identity?.expiry?.left(now) ?? .max) <= -grace
    }

    /// Whether the token of a channel's subscription expired `grace` seconds ago or before.
    public func hasExpired(_ channel: ChannelName, _ now: TokenTime, grace: Int64) -> Bool {
        (self[channel]?.expiry?.left(now) ?? .max) <= -grace
    }
}
