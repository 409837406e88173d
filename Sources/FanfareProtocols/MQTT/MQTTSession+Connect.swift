import FanfareCore
import FanfareWire
import NIOCore

/// CONNECT and its answer.
extension MQTTSession {
    /// What CONNECT agreed on.
    struct Agreement: Sendable {
        /// Milliseconds within which a client must say something; 0: it need not.
        var silence: UInt64 = 0
        /// Bytes of a packet that the client takes.
        var maxPacketBytes = Int.max
        /// Whether acknowledgements may say more than a code.
        var wantsProblems = true
        /// The identifier that the client chose; empty: none.
        var name: ExactText = ""
        /// Whether a token says who the client is.
        var hasToken = false
        /// Seconds that it asked for; its session has none of them.
        var sessionExpiry: UInt32 = 0
    }

    /// Longer than this no client of version 5 is silent: it is told to say something more often.
    private static let longestKeepAlive = UInt16(KeepAlive.clientTimes.upperBound.components.seconds / 3 * 2)

    mutating func connect(_ connect: MQTTConnect) throws(MQTTError) -> SessionAction {
        if let bytes = connect.properties.number(.maximumPacketSize) { agreement.maxPacketBytes = Int(bytes) }
        agreement.wantsProblems = connect.properties.number(.requestProblemInformation) != 0
        agreement.sessionExpiry = connect.properties.number(.sessionExpiryInterval) ?? 0
        guard connect.properties.text(.authenticationMethod) == nil else {
            throw MQTTError(.badAuthenticationMethod, "there are no authentication methods, use the password")
        }
        guard connect.clientID.utf8.count <= MQTTBounds.clientIDBytes else {
            throw MQTTError(
                .clientIdentifierNotValid, "a client identifier has at most \(MQTTBounds.clientIDBytes) bytes")
        }
        // Version 5 is told that its session ends with the connection; 3.1.1 can't be told anything else.
        guard connect.version == .v5 || connect.isCleanStart else {
            throw MQTTError(.clientIdentifierNotValid, "sessions that last are not supported yet: use Clean Session")
        }
        guard connect.will == nil else {
            throw MQTTError(.implementationSpecificError, "wills are not supported yet")
        }
        if let token = try token(of: connect) {
            asking = connect
            return .authenticate(token, .connection)
        }
        let grants = Grants(anonymous: policy.permissions)
        guard grants.mayConnect else { throw MQTTError(.notAuthorized, "unauthorized") }
        return welcome(grants, connect)
    }

    /// The password, else the token of the upgrade's request.
    private func token(of connect: MQTTConnect) throws(MQTTError) -> String? {
        guard !policy.ignoresTokens else { return nil }
        guard let password = connect.password, password.readableBytes > 0 else { return requestToken }
        guard let token = String(validating: password.readableBytesView, as: UTF8.self) else {
            throw MQTTError(.badUserNameOrPassword, "the password is no token")
        }
        return token
    }

    private mutating func welcome(_ grants: Grants, _ connect: MQTTConnect) -> SessionAction {
        agreement.name = connect.clientID
        agreement.hasToken = grants.identity != nil
        let most = connect.properties.number(.receiveMaximum).map { Int($0) } ?? .max
        window = MQTTWindow(limit: min(most, MQTTBounds.inFlight), maxBytes: policy.maxInFlightBytes)
        let keepAlive = connect.version == .v5 ? min(connect.keepAlive, Self.longestKeepAlive) : connect.keepAlive
        agreement.silence = UInt64(keepAlive) * 1_500
        var properties = MQTTProperties()
        // What it may ask for and does not get comes first, then what it may not ask for at all.
        if agreement.sessionExpiry > 0 { properties.append(.sessionExpiryInterval, 0) }
        properties.append(.receiveMaximum, MQTTBounds.receiveMaximum)
        if !policy.keepsNewest { properties.append(.retainAvailable, 0) }
        properties.append(.maximumPacketSize, policy.maxPacketBytes)
        if connect.clientID.isEmpty {
            properties.append(.assignedClientIdentifier, .text(ExactText(clientID)))
        }
        properties.append(.topicAliasMaximum, MQTTBounds.topicAliases)
        properties.append(.wildcardSubscriptionAvailable, 0)
        properties.append(.sharedSubscriptionAvailable, 0)
        if keepAlive < connect.keepAlive { properties.append(.serverKeepAlive, keepAlive) }
        guard let packet = MQTTWriter.connack(connect.version, .success, properties) else { return .none }
        guard packet.count <= agreement.maxPacketBytes else {
            return fail(MQTTError(.packetTooLarge, "this packet is above the client's limit"))
        }
        self.grants = grants
        return .send(packet)
    }
}

extension MQTTSession.Policy {
    /// Whether any channel keeps its newest publication for those who come.
    var keepsNewest: Bool {
        channels.plain.recovery == .cache || channels.namespaces.values.contains { $0.recovery == .cache }
    }
}

/// Tokens.
extension MQTTSession {
    var isAskingToConnect: Bool { asking != nil }

    /// A connection token is good.
    mutating func authenticated(_ claims: ConnectClaims, now: TokenTime) -> Result<[SessionAction], TokenRefusal> {
        guard let connect = asking.take() else { return .success([.disconnect(.badRequest)]) }
        let grants = Grants(
            anonymous: policy.permissions, identity: ClientIdentity(claims, permissions: policy.users, now: now))
        guard grants.mayConnect else { return .success([fail(MQTTError(.notAuthorized, "unauthorized"))]) }
        listed = claims.subscriptions
        return .success([welcome(grants, connect)])
    }

    /// The token is not to be believed. The client learns no more than it needs for its next step.
    mutating func refused(_ refusal: TokenRefusal) -> SessionAction {
        asking = nil
        if refusal.isTemporary {
            return fail(MQTTError(.serverUnavailable, "tokens can't be checked at the moment"))
        }
        return fail(
            MQTTError(.badUserNameOrPassword, refusal == .expired ? "token expired" : "invalid token"),
            refusal == .expired ? .expired : nil)
    }

    /// The token is good, but its user has as many clients as it may.
    mutating func crowded() -> SessionAction {
        asking = nil
        return fail(MQTTError(.quotaExceeded, "too many connections of this user"), .tryAgainLater)
    }

    /// What to do about tokens that expired. Who comes back brings a new one.
    func expire(_ now: TokenTime) -> [SessionAction] {
        guard let grants else { return [] }
        let hasExpired =
            grants.hasExpired(now, grace: 0)
            || subscriptions.contains { grants.hasExpired($0.topic.channel, now, grace: 0) }
        return hasExpired ? [.disconnect(.expired)] : []
    }

    /// A backend changes when it expires and what others see of it.
    mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) -> Session.Commanded {
        grants?.refresh(expiresAt: expiresAt, info: info, now: now)
        return .done(.none)
    }
}

/// The client identifier.
extension MQTTSession {
    /// By which a node knows that it has the client already (§3.1.4): the identifier among those of its user, so that nobody ends others.
    var ownName: ExactText? {
        guard let grants, !agreement.name.isEmpty else { return nil }
        // An identifier has no NUL: the last one divides them. A token may name no user, and is not nobody's for that.
        return ExactText("\(agreement.hasToken ? "+" : "-")\(grants.user)\0\(agreement.name)")
    }
}

/// Signs of life.
extension MQTTSession {
    /// How the node finds out that the client is gone; `nil`: as its transport does, for it does not want to say anything by itself.
    var keepAlive: KeepAliveMode? {
        agreement.silence > 0 ? .clientPings(within: .milliseconds(agreement.silence)) : nil
    }
}
