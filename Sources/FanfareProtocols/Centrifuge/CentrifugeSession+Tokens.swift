import FanfareCore
import FanfareWire

/// What a session does with tokens. Whoever carries out `authenticate` checks the token and reports back with the claims or with
/// ``refused(_:)``, and gives the session no other command meanwhile.
extension CentrifugeSession {
    /// What a `connect` with a token leaves until the session begins.
    struct ConnectState {
        /// The token of the upgrade's request.
        var request: String?
        /// Whether a token was refused.
        var isRefused = false
        /// Whether a token's key may be known a moment later: with another connection, for its signature was looked at.
        var isPending = false
        /// The `connect` whose subscriptions are on their way.
        var progress: ConnectInProgress?
    }

    /// The token of the upgrade's request, for a `connect` without one.
    public var requestToken: String? {
        get { connects.first?.request }
        set { connects = newValue.map { [ConnectState(request: $0)] } ?? [] }
    }

    /// The user's id; empty: none.
    public var user: ExactText { grants.user }

    /// Whether the command whose token is being checked begins the session.
    public var isAskingToConnect: Bool { if case .connect? = asking.first?.method { true } else { false } }

    /// A connection token is good.
    ///
    /// - Returns: what to do, or why it is none for this client.
    public mutating func authenticated(
        _ claims: ConnectClaims, now: TokenTime
    ) -> Result<[SessionAction], TokenRefusal> {
        if let mismatch = mismatch(claims) { return .failure(mismatch) }
        guard let command = asking.popLast() else { return .success([.disconnect(.badRequest)]) }
        if case .connect = command.method { return .success([connect(command, claims, now: now)]) }
        return .success(refresh(command, claims, now: now))
    }

    /// A subscription token is good.
    ///
    /// - Returns: what to do, or why it does not open what the command asks for.
    public mutating func authenticated(
        _ claims: SubscriptionClaims, now: TokenTime
    ) -> Result<[SessionAction], TokenRefusal> {
        guard let command = asking.first else { return .success([.disconnect(.badRequest)]) }
        if let mismatch = mismatch(claims, command) { return .failure(mismatch) }
        asking = []
        return .success([subscribe(command, claims, now: now)])
    }

    /// The token is not to be believed. The client learns no more than it needs for its next step.
    public mutating func refused(_ refusal: TokenRefusal) -> SessionAction {
        guard let command = asking.popLast() else { return .disconnect(.badRequest) }
        return refused(command, refusal)
    }

    /// The connection's token is good, but its user has as many clients as it may: they may be on their way out.
    ///
    /// - Parameter retryAfter: milliseconds.
    public mutating func crowded(retryAfter: UInt64) -> SessionAction {
        guard let command = asking.popLast() else { return .disconnect(.badRequest) }
        return refuse(
            command.id,
            CentrifugeError(
                code: 111, message: "this user has too many connections", temporary: true, retryAfter: retryAfter))
    }

    private mutating func authenticate(
        _ token: String, _ purpose: TokenPurpose, _ command: CentrifugeCommand
    ) -> SessionAction {
        asking = [command]
        return .authenticate(token, purpose)
    }
}

/// Connections.
extension CentrifugeSession {
    mutating func connect(_ command: CentrifugeCommand, _ request: CentrifugeConnect) -> SessionAction {
        guard !isConnected, !isConnecting else { return .disconnect(.badRequest) }
        // One try a connection: a signature check is worth more than the bytes that ask for it.
        guard connects.first?.isRefused != true else { return .disconnect(.invalidToken) }
        guard connects.first?.isPending != true else { return .disconnect(.tryAgainLater) }
        let own = request.token.flatMap { $0.isEmpty ? nil : $0 }
        if own != nil, isUnidirectional { link = .unidirectionalWithToken }
        if let token = own ?? requestToken, !policy.ignoresTokens { return authenticate(token, .connection, command) }
        guard grants.mayConnect else { return refuse(command.id, .unauthorized) }
        return .send(welcome(command.id, now: TokenTime(wall: 0, monotonic: 0), subscriptions: []))
    }

    mutating func connect(
        _ command: CentrifugeCommand, _ claims: ConnectClaims, now: TokenTime
    ) -> SessionAction {
        guard !isConnected, !isConnecting, case .connect(let request) = command.method else {
            return .disconnect(.badRequest)
        }
        grants.identity = ClientIdentity(claims, permissions: policy.users, now: now)
        connects = []
        guard !claims.subscriptions.isEmpty else {
            return .send(welcome(command.id, now: now, subscriptions: []))
        }
        switch starts(claims.subscriptions, request, command.id) {
        case .failure(let error):
            channels = []
            grants.closeChannels()
            return refuse(command.id, error)
        case .success(let starts):
            connecting = ConnectInProgress(id: command.id, now: now, missing: starts.count)
            return .begin(starts, id: command.id)
        }
    }

    mutating func refresh(_ command: CentrifugeCommand, _ token: String) -> SessionAction {
        token.isEmpty ? .disconnect(.badRequest) : authenticate(token, .connection, command)
    }

    /// Why a good connection token is none for this client; `nil`: it is one.
    func mismatch(_ claims: ConnectClaims) -> TokenRefusal? {
        isConnected && claims.user != user ? .otherUser : nil
    }
}

/// Subscriptions.
extension CentrifugeSession {
    /// A subscription that the client asks for, with a token or without.
    mutating func admit(
        _ channel: ChannelName, _ rules: ChannelRules, _ request: CentrifugeSubscribe, _ command: CentrifugeCommand
    ) -> SessionAction {
        if let token = request.token, !token.isEmpty, !policy.ignoresTokens {
            return authenticate(token, .subscription, command)
        }
        guard may(.subscribe, channel, rules.subscribe) else { return refuse(command.id, .permissionDenied) }
        return subscribe(channel, rules, request, command.id, nil)
    }

    mutating func subscribe(
        _ command: CentrifugeCommand, _ claims: SubscriptionClaims, now: TokenTime
    ) -> SessionAction {
        switch command.method {
        case .subscribe(let request):
            return channel(request.channel, command.id) {
                $0.subscribe($1, $2, request, command.id, SubscriptionGrant(claims, now: now))
            }
        case .subRefresh(let name, _):
            guard let index = index(of: name) else { return refuse(command.id, .permissionDenied) }
            let grant = SubscriptionGrant(claims, now: now)
            grants[channels[index].channel] = grant
            return .send(encoder.subRefreshReply(id: command.id, ttl: grant.ttl))
        default:
            return .disconnect(.badRequest)
        }
    }

    mutating func subRefresh(_ command: CentrifugeCommand, _ channel: ExactText, _ token: String) -> SessionAction {
        guard !token.isEmpty else { return .disconnect(.badRequest) }
        guard let index = index(of: channel), channels[index].pending == 0 else {
            return refuse(command.id, .permissionDenied)
        }
        guard grants[channels[index].channel]?.isServerSide == false else {
            return refuse(command.id, .notAvailable("the subscription has no token"))
        }
        return authenticate(token, .subscription, command)
    }

    /// Why a good subscription token does not open what the command asks for; `nil`: it does.
    func mismatch(_ claims: SubscriptionClaims, _ command: CentrifugeCommand) -> TokenRefusal? {
        let wanted: ExactText? =
            switch command.method {
            case .subscribe(let request): request.channel
            case .subRefresh(let channel, _): channel
            default: nil
            }
        let isOther = claims.client.map { $0 != ExactText(clientID) } ?? false
        guard claims.channel == wanted, !isOther else { return .otherChannel }
        return claims.user == user ? nil : .otherUser
    }

    mutating func refused(_ command: CentrifugeCommand, _ refusal: TokenRefusal) -> SessionAction {
        if refusal.isTemporary {
            if refusal == .keyPending, case .connect = command.method { connects = [ConnectState(isPending: true)] }
            return refuse(command.id, .internalError("tokens can't be checked at the moment"))
        }
        switch (command.method, refusal) {
        case (.connect, _):
            connects = [ConnectState(isRefused: true)]
            return refuse(command.id, refusal == .expired ? .tokenExpired : .unauthorized)
        case (.refresh, .expired): return .disconnect(.expired)
        case (.refresh, _): return .disconnect(.invalidToken)
        case (_, .expired): return refuse(command.id, .tokenExpired)
        default: return refuse(command.id, .permissionDenied)
        }
    }

    /// Whether the client may do that in a channel.
    func may(_ action: ChannelActions, _ channel: ChannelName, _ access: ChannelRules.Access) -> Bool {
        grants.may(action, in: channel, access, isSubscribed: isSubscribed(channel))
    }
}
