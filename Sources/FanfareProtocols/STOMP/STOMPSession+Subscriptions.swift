import FanfareCore
import FanfareWire
import NIOCore

/// What a client hears.
extension STOMPSession {
    mutating func subscribe(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        let wanted = try wanted(frame)
        let (channel, rules) = (wanted.destination.channel, try rules(wanted.destination.channel))
        try checkAcks(wanted.window, rules)
        if wanted.since != nil, rules.recovery == .off {
            throw STOMPError("since: the channel keeps nothing to come back to", .notAvailable)
        }
        if let token = frame["token"], !token.isEmpty, !policy.ignoresTokens {
            asking = frame
            return .authenticate(token.string, .subscription)
        }
        let isListed = listed.first { $0.channel == channel.text }
        guard isListed != nil || may(.subscribe, channel, rules.subscribe) else {
            throw STOMPError("permission denied: SUBSCRIBE to \(channel)", .permissionDenied)
        }
        if let isListed, grants?[channel] == nil { grants?[channel] = SubscriptionGrant(isListed) }
        return begin(wanted, rules)
    }

    /// Reads what a SUBSCRIBE wants, and finds what is wrong with it.
    func wanted(_ frame: STOMPFrame) throws(STOMPError) -> Subscription {
        guard frame["selector"] == nil else { throw STOMPError("selector is not supported", .notAvailable) }
        let window = try window(frame)
        let (id, destination) = (frame["id"], try destination(frame))
        guard id != nil || version == .v10 else { throw STOMPError("SUBSCRIBE without id") }
        guard let lead = STOMPCodec.lead(id, version) else {
            throw STOMPError(
                "an id has at most \(STOMPBounds.idBytes) bytes, escapes included, and no control characters")
        }
        guard index(id, destination) == nil else { throw STOMPError("there is a subscription of that id") }
        guard subscriptions.count < policy.maxChannels else {
            throw STOMPError("a client may have \(policy.maxChannels) subscriptions", .policyViolation)
        }
        let since = frame["since"].map { StreamPosition($0.string) }
        if case .some(nil) = since { throw STOMPError("since is \(StreamPosition.form)") }
        return Subscription(
            id: id, destination: destination, number: 0, lead: lead, since: since ?? nil, receipt: frame["receipt"],
            window: window)
    }

    private mutating func begin(_ wanted: Subscription, _ rules: ChannelRules) -> SessionAction {
        let number = makeNumber()
        let subscription = Subscription(
            id: wanted.id, destination: wanted.destination, number: number, lead: wanted.lead, since: wanted.since,
            receipt: wanted.receipt, window: wanted.window)
        subscriptions.append(subscription)
        if wanted.window != nil { windows += 1 }
        let format = WireFormat.stomp(form(wanted))
        let wish: RecoveryRequest =
            switch rules.recovery {
            case .off: .none
            case .stream: wanted.since.map { .since($0) } ?? .none
            case .cache: .last(1)
            }
        return .join(
            SubscriptionRequest(
                channel: wanted.destination.channel, wish: wish, request: number,
                form: wanted.window == nil ? .personal(format, lead: wanted.lead) : .written(format)))
    }

    /// The subscription is in force: its receipt, and what it missed.
    mutating func subscribed(id: UInt32, _ start: SubscriptionStart) -> SessionAction {
        guard let index = index(of: id) else { return .none }
        let subscription = subscriptions[index]
        let recovery = policy.channels.rules(subscription.destination.channel)?.recovery ?? .off
        let receipt = subscriptions[index].receipt.take()
        if recovery == .stream, subscription.since != nil, !start.isComplete {
            return fail(
                STOMPError("since: what followed is lost, subscribe without it", .insufficientState), receipt: receipt)
        }
        var missed = start.publications
        if recovery == .cache, let since = subscription.since, since.epoch == start.position?.epoch {
            // The newest may be what the client has already.
            missed.removeAll { ($0.position?.offset ?? 0) <= since.offset }
        }
        var actions: [SessionAction] = []
        if let receipt {
            // Where it is before the messages that follow: it may not get them all.
            let position = missed.isEmpty ? start.position : subscription.since
            actions.append(.send(STOMPWriter.receipt(receipt, version, position: position)))
        }
        let codec = STOMPCodec(form(subscription))
        for publication in missed {
            guard subscription.window != nil else {
                actions.append(.answer(codec.message(subscription.lead, publication)))
                continue
            }
            // What is beyond its bound is read again later.
            if let number = take(publication, at: index) {
                actions.append(.answer(message(subscription, publication, number)))
            }
        }
        return .all(actions + leaveWhenDone())
    }

    /// Bytes of the messages that ``subscribed(id:_:)`` makes, about.
    func size(of start: SubscriptionStart) -> Int {
        start.weight + start.publications.count * (STOMPBounds.messageBytes + STOMPBounds.idBytes)
    }

    /// The subscription could not be had.
    mutating func subscribeFailed(id: UInt32, _ error: BrokerError) -> SessionAction {
        guard let index = index(of: id) else { return .none }
        return fail(STOMPError("SUBSCRIBE: \(error)", .tryAgainLater), receipt: subscriptions[index].receipt)
    }

    mutating func unsubscribe(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        let id = frame["id"]
        guard id != nil || version == .v10 else { throw STOMPError("UNSUBSCRIBE without id") }
        let destination = id == nil ? try destination(frame) : nil
        guard let index = index(id, destination) else { throw STOMPError("there is no subscription of that id") }
        let subscription = remove(at: index)
        // It was in force for a moment, as far as the client knows.
        let receipts = [subscription.receipt, frame["receipt"]].compactMap(\.self)
        return .all(
            [.leave(subscription.destination.channel, request: subscription.number)]
                + receipts.map { .send(STOMPWriter.receipt($0, version)) })
    }

    /// A backend ends what the client has of a channel. The client is not told: the protocol has no words for it.
    mutating func unsubscribe(_ channel: ChannelName) -> Session.Commanded {
        var actions: [SessionAction] = []
        while let index = subscriptions.firstIndex(where: { $0.destination.channel == channel }) {
            let subscription = remove(at: index)
            actions.append(.leave(channel, request: subscription.number))
            if let receipt = subscription.receipt { actions.append(.send(STOMPWriter.receipt(receipt, version))) }
        }
        return actions.isEmpty ? .unchanged : .done(.all(actions + leaveWhenDone()))
    }

    private mutating func remove(at index: Int) -> Subscription {
        let subscription = subscriptions.remove(at: index)
        if let window = subscription.window {
            windows -= 1
            unackedBytes -= window.waiting.reduce(0) { $0 + $1.bytes }
        }
        let channel = subscription.destination.channel
        if !isSubscribed(channel) { grants?[channel] = nil }
        return subscription
    }

    /// The subscription of an id or, without one, that of a destination without an id.
    private func index(_ id: ExactText?, _ destination: STOMPDestination?) -> Int? {
        subscriptions.firstIndex { $0.id == id && (id != nil || $0.destination == destination) }
    }

    func isSubscribed(_ channel: ChannelName) -> Bool {
        subscriptions.contains { $0.destination.channel == channel }
    }

    func destination(_ frame: STOMPFrame) throws(STOMPError) -> STOMPDestination {
        guard let text = frame["destination"] else {
            throw STOMPError("\(frame.command.rawValue) without destination")
        }
        return try STOMPDestination(text, user: grants?.user ?? "", limit: policy.maxChannelNameBytes)
    }

    func rules(_ channel: ChannelName) throws(STOMPError) -> ChannelRules {
        guard let rules = policy.channels.rules(channel) else {
            throw STOMPError("unknown namespace of channel '\(channel)'")
        }
        return rules
    }

    func may(_ action: ChannelActions, _ channel: ChannelName, _ access: ChannelRules.Access) -> Bool {
        grants?.may(action, in: channel, access, isSubscribed: isSubscribed(channel)) == true
    }
}

/// Tokens.
extension STOMPSession {
    /// Whether the token that is being checked is the connection's.
    var isAskingToConnect: Bool { asking?.command.isConnect == true }

    /// A connection token is good.
    mutating func authenticated(_ claims: ConnectClaims, now: TokenTime) -> Result<[SessionAction], TokenRefusal> {
        guard asking.take()?.command.isConnect == true else { return .success([.disconnect(.badRequest)]) }
        let grants = Grants(
            anonymous: policy.permissions, identity: ClientIdentity(claims, permissions: policy.users, now: now))
        guard grants.mayConnect else { return .success([fail(STOMPError("unauthorized", .invalidToken))]) }
        listed = claims.subscriptions
        return .success([welcome(grants)])
    }

    /// A subscription token is good.
    ///
    /// - Returns: what to do, or why it does not open what the frame asks for.
    mutating func authenticated(_ claims: SubscriptionClaims, now: TokenTime) -> Result<[SessionAction], TokenRefusal> {
        guard let frame = asking else { return .success([.disconnect(.badRequest)]) }
        do throws(STOMPError) {
            let wanted = try wanted(frame)
            let channel = wanted.destination.channel
            let isOther = claims.client.map { $0 != ExactText(clientID) } ?? false
            guard claims.channel == channel.text, !isOther else { return .failure(.otherChannel) }
            guard claims.user == grants?.user else { return .failure(.otherUser) }
            asking = nil
            grants?[channel] = SubscriptionGrant(claims, now: now)
            return .success([begin(wanted, try rules(channel))])
        } catch {
            asking = nil
            return .success([fail(error, receipt: frame["receipt"])])
        }
    }

    /// The token is not to be believed. The client learns no more than it needs for its next step.
    mutating func refused(_ refusal: TokenRefusal) -> SessionAction {
        let frame = asking.take()
        let receipt = frame?.command.isConnect == false ? frame?["receipt"] : nil
        if refusal.isTemporary {
            return fail(STOMPError("tokens can't be checked at the moment", .tryAgainLater), receipt: receipt)
        }
        return fail(
            refusal == .expired ? STOMPError("token expired", .expired) : STOMPError("invalid token", .invalidToken),
            receipt: receipt)
    }

    /// The token is good, but its user has as many clients as it may.
    mutating func crowded() -> SessionAction {
        asking = nil
        return .none
    }

    /// What to do about tokens that expired. Who comes back brings a new one.
    mutating func expire(_ now: TokenTime, isBehind: Bool) -> [SessionAction] {
        guard let grants else { return [] }
        let hasExpired =
            grants.hasExpired(now, grace: 0)
            || subscriptions.contains { grants.hasExpired($0.destination.channel, now, grace: 0) }
        return hasExpired ? [.disconnect(.expired)] : repeatUnacknowledged(now, isBehind: isBehind)
    }

    /// A backend changes when it expires and what others see of it.
    mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) -> Session.Commanded {
        grants?.refresh(expiresAt: expiresAt, info: info, now: now)
        return .done(.none)
    }
}
