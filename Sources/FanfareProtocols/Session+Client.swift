import FanfareCore
import FanfareWire

/// Who the client is.
extension Session {
    /// Whether the client has said all that it must say first.
    public var hasBegun: Bool {
        switch self {
        case .centrifuge(let session): session.isConnected
        case .stomp(let session): session.value.isConnected
        case .mqtt(let session): session.value.isConnected
        case .graphQL(let session): session.value.isConnected
        // Its first handshake has a deadline of its own, and pings come before it.
        case .raw, .socketIO, .echo: true
        }
    }

    /// Whether its first command waits for subscriptions: until they are in force it gets nothing else.
    public var isConnecting: Bool {
        switch self {
        case .centrifuge(let session): session.isConnecting
        case .socketIO(let session): session.value.isConnecting
        case .raw, .stomp, .mqtt, .graphQL, .echo: false
        }
    }

    /// Whether a client that only hears brought its token in its first message, and not beside it.
    public var hasOwnToken: Bool { if case .centrifuge(let session) = self { session.hasOwnToken } else { false } }

    /// By which others know the client; `nil` where nobody asks.
    public var clientID: ExactText? {
        switch self {
        case .raw(let session): session.clientID.map { ExactText($0) }
        case .centrifuge(let session): ExactText(session.clientID)
        case .socketIO(let session): ExactText(session.value.clientID)
        case .stomp(let session): ExactText(session.value.clientID)
        case .mqtt(let session): ExactText(session.value.clientID)
        case .graphQL(let session): ExactText(session.value.clientID)
        case .echo: nil
        }
    }

    /// The name that the client chose for itself, of which a node has one client; `nil`: it chose none.
    public var ownName: ExactText? { if case .mqtt(let session) = self { session.value.ownName } else { nil } }

    /// When its token expires, seconds since 1970; `nil`: never.
    public var expiresAt: Int64? { grants?.identity?.expiry?.at }

    private var grants: Grants? {
        switch self {
        case .raw(let session): session.grants
        case .centrifuge(let session): session.grants
        case .stomp(let session): session.value.grants
        case .mqtt(let session): session.value.grants
        case .graphQL(let session): session.value.grants
        case .socketIO, .echo: nil
        }
    }

    /// The user's id; empty: none.
    public var user: ExactText {
        if case .socketIO(let session) = self { session.value.user } else { grants?.user ?? "" }
    }

    /// What others see of it in a channel; `nil`: nobody sees it.
    public func info(in channel: ChannelName) -> ClientInfo? {
        switch self {
        case .raw(let session): session.info
        case .centrifuge(let session): session.info(in: channel)
        case .socketIO(let session): session.value.info(in: channel)
        case .stomp(let session): session.value.info(in: channel)
        case .mqtt(let session): session.value.info(in: channel)
        case .graphQL(let session): session.value.info(in: channel)
        case .echo: nil
        }
    }

    /// The one channel that it is about, for the log; `nil`: it is about any.
    public var channel: ChannelName? { if case .raw(let session) = self { session.channel } else { nil } }

    /// The node's ping; `nil`: the protocol has none, and the transport's is sent.
    public var ping: Body? {
        switch self {
        case .centrifuge(let session): session.encoder.ping
        case .stomp(let session): session.value.wantsHeartBeats ? STOMPWriter.heartBeat : nil
        case .graphQL(let session): session.value.ping
        case .raw, .socketIO, .mqtt, .echo: nil
        }
    }

    /// Who says that the client is alive, where the client chose that: then only what it says in its protocol counts; `nil`: its transport
    /// sees to it.
    public var keepAlive: KeepAliveMode? { if case .mqtt(let session) = self { session.value.keepAlive } else { nil } }
}

/// When what its tokens opened ends.
extension Session {
    /// Seconds after which ``expire(_:grace:)`` has something to do; `nil`: it never has.
    ///
    /// - Parameter grace: seconds that a client with commands has for a new token.
    public func secondsLeft(_ now: TokenTime, grace: Int64) -> Int64? {
        if case .socketIO(let session) = self { return session.value.secondsLeft(now) }
        let left = grants?.secondsLeft(now)
        if case .stomp(let session) = self, let check = session.value.ackCheckSeconds {
            return min(left ?? check, check)
        }
        guard let left else { return nil }
        return mayRefresh ? left.addingClamped(grace) : left
    }

    /// What to do about tokens that expired and were not refreshed, and about what was not acknowledged.
    ///
    /// - Parameter isBehind: whether the client has not taken what was sent.
    public mutating func expire(_ now: TokenTime, grace: Int64, isBehind: Bool = false) -> [SessionAction] {
        switch self {
        case .raw(let session): session.grants.hasExpired(now, grace: 0) ? [.disconnect(.expired)] : []
        case .centrifuge: centrifuge(or: []) { $0.expire(now, grace: grace) }
        case .socketIO: socketIO(or: []) { $0.expire(now) }
        case .stomp: stomp(or: []) { $0.expire(now, isBehind: isBehind) }
        case .mqtt(let session): session.value.expire(now)
        case .graphQL(let session): session.value.expire(now)
        case .echo: []
        }
    }

    /// Whether the command whose token is being checked begins the session.
    public var isAskingToConnect: Bool {
        switch self {
        case .centrifuge(let session): session.isAskingToConnect
        case .socketIO(let session): session.value.isAskingToConnect
        case .stomp(let session): session.value.isAskingToConnect
        case .mqtt(let session): session.value.isAskingToConnect
        case .graphQL(let session): session.value.isAskingToConnect
        case .raw, .echo: false
        }
    }

    /// A connection token is good.
    ///
    /// - Returns: what to do, or why it is none for this client.
    public mutating func authenticated(
        _ claims: ConnectClaims, now: TokenTime
    ) -> Result<[SessionAction], TokenRefusal> {
        withCommands(
            or: .success([]), { $0.authenticated(claims, now: now) }, { $0.authenticated(claims, now: now) },
            { $0.authenticated(claims, now: now) }, { $0.authenticated(claims, now: now) },
            { $0.authenticated(claims, now: now) })
    }

    /// A subscription token is good.
    ///
    /// - Returns: what to do, or why it does not open what the client asks for.
    public mutating func authenticated(
        _ claims: SubscriptionClaims, now: TokenTime
    ) -> Result<[SessionAction], TokenRefusal> {
        withCommands(
            or: .success([]), { $0.authenticated(claims, now: now) }, { $0.authenticated(claims, now: now) },
            { $0.authenticated(claims, now: now) }, { _ in .success([.disconnect(.badRequest)]) },
            { $0.authenticated(claims, now: now) })
    }

    /// The token is not to be believed.
    public mutating func refused(_ refusal: TokenRefusal) -> SessionAction {
        withCommands(
            or: .none, { $0.refused(refusal) }, { $0.refused(refusal) }, { $0.refused(refusal) },
            { $0.refused(refusal) }, { $0.refused(refusal) })
    }

    /// The token is good, but its user has as many clients as it may.
    ///
    /// - Parameter retryAfter: milliseconds.
    public mutating func crowded(retryAfter: UInt64) -> SessionAction {
        withCommands(
            or: .none, { $0.crowded(retryAfter: retryAfter) }, { $0.crowded() }, { $0.crowded() }, { $0.crowded() },
            { $0.crowded() })
    }

    /// Changes a session of a protocol whose clients send tokens.
    private mutating func withCommands<Value>(
        or other: Value, _ centrifuge: (inout CentrifugeSession) -> Value,
        _ socketIO: (inout SocketIOSession) -> Value, _ stomp: (inout STOMPSession) -> Value,
        _ mqtt: (inout MQTTSession) -> Value, _ graphQL: (inout GraphQLSession) -> Value
    ) -> Value {
        switch self {
        case .socketIO: self.socketIO(or: other, socketIO)
        case .stomp: self.stomp(or: other, stomp)
        case .mqtt: self.mqtt(or: other, mqtt)
        case .graphQL: self.graphQL(or: other, graphQL)
        case .raw, .centrifuge, .echo: self.centrifuge(or: other, centrifuge)
        }
    }
}
