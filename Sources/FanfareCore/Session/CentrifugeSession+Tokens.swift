import FanfareWire
import NIOCore

/// What a session does with tokens. Whoever carries out ``Action/authenticate(_:_:)`` checks the token and reports back
/// with the claims or with ``refused(_:_:)``, and gives the session no other command meanwhile.
extension CentrifugeSession {
    /// Whether a command's token is one for a subscription, and not for the connection.
    public static func isSubscription(_ command: CentrifugeCommand) -> Bool {
        switch command.method {
        case .subscribe, .subRefresh: true
        default: false
        }
    }

    mutating func connect(_ command: CentrifugeCommand, _ request: CentrifugeConnect) -> Action {
        guard !isConnected, !isConnecting else { return .disconnect(.badRequest) }
        // One try a connection: a signature check is worth more than the bytes that ask for it.
        guard tokens.first?.isRefused != true else { return .disconnect(.invalidToken) }
        guard tokens.first?.isPending != true else { return .disconnect(.tryAgainLater) }
        let own = request.token.flatMap { $0.isEmpty ? nil : $0 }
        if let token = own ?? requestToken, !policy.ignoresTokens { return .authenticate(token, command) }
        guard policy.permissions.mayConnect else { return refuse(command.id, .unauthorized) }
        return .reply(welcome(command.id, now: TokenTime(wall: 0, monotonic: 0), subscriptions: []))
    }

    /// The connection's token is good.
    public mutating func connect(_ command: CentrifugeCommand, _ claims: ConnectClaims, now: TokenTime) -> Action {
        guard !isConnected, !isConnecting, case .connect(let request) = command.method else {
            return .disconnect(.badRequest)
        }
        tokens = [TokenState(identity: ClientIdentity(claims, permissions: policy.users, now: now))]
        guard !claims.subscriptions.isEmpty else {
            return .reply(welcome(command.id, now: now, subscriptions: []))
        }
        switch starts(claims.subscriptions, request, command.id) {
        case .failure(let error):
            channels = []
            return refuse(command.id, error)
        case .success(let starts):
            connecting = ConnectInProgress(id: command.id, now: now, missing: starts.count)
            return .begin(starts, id: command.id)
        }
    }

    /// The connection's token is good, but its user has as many clients as it may: they may be on their way out.
    ///
    /// - Parameter retryAfter: milliseconds.
    public func crowded(_ command: CentrifugeCommand, retryAfter: UInt64) -> Action {
        refuse(
            command.id,
            CentrifugeError(
                code: 111, message: "this user has too many connections", temporary: true, retryAfter: retryAfter))
    }

    /// The subscription's token is good and fits, see ``mismatch(_:_:)``.
    public mutating func subscribe(_ command: CentrifugeCommand, _ claims: SubscriptionClaims, now: TokenTime) -> Action
    {
        switch command.method {
        case .subscribe(let request):
            return channel(request.channel, command.id) {
                $0.subscribe($1, $2, request, command.id, SubscriptionGrant(claims, now: now))
            }
        case .subRefresh(let name, _):
            guard let index = index(of: name) else {
                return refuse(command.id, .permissionDenied)
            }
            let grant = SubscriptionGrant(claims, now: now)
            channels[index].grant = grant
            return .reply(CentrifugeJSONEncoder.subRefreshReply(id: command.id, ttl: grant.ttl))
        default:
            return .disconnect(.badRequest)
        }
    }

    /// Why a good connection token is none for this client; `nil`: it is one.
    public func mismatch(_ claims: ConnectClaims) -> TokenRefusal? {
        isConnected && claims.user != user ? .otherUser : nil
    }

    /// Why a good subscription token does not open what the command asks for; `nil`: it does.
    public func mismatch(_ claims: SubscriptionClaims, _ command: CentrifugeCommand) -> TokenRefusal? {
        let wanted: ExactText? =
            switch command.method {
            case .subscribe(let request): request.channel
            case .subRefresh(let channel, _): channel
            default: nil
            }
        let isOther = claims.client.map { $0 != ExactText(policy.clientID) } ?? false
        guard claims.channel == wanted, !isOther else {
            return .otherChannel
        }
        return claims.user == user ? nil : .otherUser
    }

    /// The token is not to be believed. The client learns no more than it needs for its next step.
    public mutating func refused(_ command: CentrifugeCommand, _ refusal: TokenRefusal) -> Action {
        if refusal.isTemporary {
            if refusal == .keyPending, case .connect = command.method { tokens = [TokenState(isPending: true)] }
            return refuse(command.id, .internalError("tokens can't be checked at the moment"))
        }
        switch (command.method, refusal) {
        case (.connect, _):
            tokens = [TokenState(isRefused: true)]
            return refuse(command.id, refusal == .expired ? .tokenExpired : .unauthorized)
        case (.refresh, .expired): return .disconnect(.expired)
        case (.refresh, _): return .disconnect(.invalidToken)
        case (_, .expired): return refuse(command.id, .tokenExpired)
        default: return refuse(command.id, .permissionDenied)
        }
    }

    /// A subscription that the client asks for, with a token or without.
    mutating func admit(
        _ channel: ChannelName, _ rules: ChannelRules, _ request: CentrifugeSubscribe, _ command: CentrifugeCommand
    ) -> Action {
        if let token = request.token, !token.isEmpty, !policy.ignoresTokens { return .authenticate(token, command) }
        guard may(.subscribe, channel, rules.subscribe) else { return refuse(command.id, .permissionDenied) }
        return subscribe(channel, rules, request, command.id, nil)
    }

    func refresh(_ command: CentrifugeCommand, _ token: String) -> Action {
        token.isEmpty ? .disconnect(.badRequest) : .authenticate(token, command)
    }

    func subRefresh(_ command: CentrifugeCommand, _ channel: ExactText, _ token: String) -> Action {
        guard !token.isEmpty else { return .disconnect(.badRequest) }
        guard let index = index(of: channel), channels[index].pending == 0 else {
            return refuse(command.id, .permissionDenied)
        }
        guard channels[index].grant?.isServerSide == false else {
            return refuse(command.id, .notAvailable("the subscription has no token"))
        }
        return .authenticate(token, command)
    }

    /// What tokens brought to a session.
    struct TokenState {
        /// Who the client is.
        var identity: ClientIdentity?
        /// The token of the upgrade's request.
        var request: String?
        /// Whether a token was refused.
        var isRefused = false
        /// Whether a token's key may be known a moment later: with another connection, for its signature was looked at.
        var isPending = false
        /// The `connect` whose subscriptions are on their way.
        var connecting: ConnectInProgress?
    }

    /// Who the client is; `nil`: one without a token.
    public var identity: ClientIdentity? { tokens.first?.identity }

    /// The token of the upgrade's request, for a `connect` without one.
    public var requestToken: String? {
        get { tokens.first?.request }
        set { tokens = newValue.map { [TokenState(request: $0)] } ?? [] }
    }

    /// The user's id; empty: none.
    public var user: ExactText { identity?.user ?? "" }

    /// Whether the client may do that in a channel.
    func may(_ action: ChannelActions, _ channel: ChannelName, _ access: ChannelRules.Access) -> Bool {
        let permissions = identity?.permissions ?? policy.permissions
        if permissions.allow(action, in: channel, access, identity, isSubscribed: isSubscribed(channel)) { return true }
        return channels.contains { $0.channel == channel && $0.grant?.allow.contains(action) == true }
    }

    /// Seconds left, as a client is told them.
    static func ttl(_ expiry: TokenExpiry, now: TokenTime) -> UInt32 {
        UInt32(clamping: max(1, expiry.at.subtractingClamped(now.wall)))
    }
}
