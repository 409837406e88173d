import FanfareCore
import FanfareWire

/// Handshakes of namespaces.
extension SocketIOSession {
    mutating func connect(_ command: SocketIOCommand, _ request: SocketIOConnect) -> SessionAction {
        let name = command.namespace
        guard !namespaces.contains(where: { $0.name == name }) else {
            return .disconnect(.badRequest, reason: "the namespace '\(name)' is joined already")
        }
        guard isNamespace(name) else { return .refuse(SocketIOWriter.invalidNamespace(name)) }
        guard namespaces.count < SocketIOBounds.namespaces else {
            let most = SocketIOBounds.namespaces
            return refuse(name, .limitExceeded("a connection may have \(most) namespaces"))
        }
        let own = request.token.flatMap { $0.isEmpty ? nil : $0 }
        if let token = own ?? requestToken, !policy.ignoresTokens {
            // A signature check is worth more than the bytes that ask for it.
            guard refusals < SocketIOBounds.refusals else { return .disconnect(.invalidToken) }
            asking = [command]
            return .authenticate(token, .connection)
        }
        let grants = Grants(anonymous: policy.permissions)
        guard grants.mayConnect else { return refuse(name, .unauthorized) }
        return begin(name, request, grants, claims: [])
    }

    /// Which Socket.IO namespaces there are: `/`, and one for each namespace of channels.
    private func isNamespace(_ name: ExactText) -> Bool {
        name == "/" || policy.channels.namespaces[SocketIONamespace.channels(of: name)] != nil
    }

    /// Whether channels of a namespace are recovered.
    private func isRecoverable(_ name: ExactText) -> Bool {
        guard name != "/" else { return shared.isRecoverable }
        return policy.channels.namespaces[SocketIONamespace.channels(of: name)]?.recovery == .stream
    }

    private func refuse(_ namespace: ExactText, _ error: CentrifugeError) -> SessionAction {
        .refuse(SocketIOWriter.connectError(namespace, error))
    }

    /// The client may join: subscribes it to what its token says, and to what it had before.
    private mutating func begin(
        _ name: ExactText, _ request: SocketIOConnect, _ grants: Grants, claims: [ServerSubscription]
    ) -> SessionAction {
        var namespace = SocketIONamespace(name: name, isRecoverable: isRecoverable(name), grants: grants)
        var starts: [SubscriptionRequest] = []
        let before = namespace.isRecoverable ? returning(request, namespace, claims) : nil
        let pid = (before == nil ? nil : request.pid) ?? SocketIOPrivateID.make()
        do throws(CentrifugeError) {
            for subscription in claims {
                guard let channel = try channel(of: subscription, in: name) else { continue }
                guard namespace.index(of: channel) == nil else { continue }
                namespace.grants[channel] = SubscriptionGrant(subscription)
                let since = before?.items.first { $0.channel == channel }?.position
                try add(channel, since, isByClient: false, waiter: .connect, to: &namespace, &starts)
            }
            for channel in rooms(name, pid) where namespace.index(of: channel) == nil {
                let since = before?.items.first { $0.channel == channel }?.position
                try add(channel, since, isByClient: false, waiter: .connect, to: &namespace, &starts)
            }
            for item in before?.items ?? []
            where namespace.index(of: item.channel) == nil && !SocketIORooms.isRoom(item.channel, of: name) {
                try add(item.channel, item.position, isByClient: true, waiter: .connect, to: &namespace, &starts)
            }
        } catch {
            return refuse(name, error)
        }
        namespace.connecting = .init(missing: starts.count, pid: pid, isReturning: before != nil)
        namespaces.append(namespace)
        connectBy = nil
        guard starts.isEmpty else { return .begin(starts, id: makeNumber()) }
        let welcome = welcome(namespaces.count - 1)
        return policy.isEcho ? .all([welcome, .send(Self.echo(name, auth: request.object))]) : welcome
    }

    /// The channels that a socket has without asking.
    private func rooms(_ namespace: ExactText, _ pid: String) -> [ChannelName] {
        guard policy.opensRooms else { return [] }
        return [SocketIORooms.own(policy.socketID(pid)), SocketIORooms.all(namespace)].compactMap(\.self)
    }

    /// The channel of a token's subscription; `nil`: it is none of this namespace.
    private func channel(
        of subscription: ServerSubscription, in namespace: ExactText
    ) throws(CentrifugeError) -> ChannelName? {
        guard SocketIONamespace.room(of: subscription.channel, in: namespace) != nil else { return nil }
        let channel: ChannelName
        do {
            channel = try ChannelName(subscription.channel, limit: policy.maxChannelNameBytes)
        } catch {
            throw .badRequest("the token's channels: \(error)")
        }
        guard policy.channels.rules(channel) != nil else {
            throw .unknownChannel("unknown namespace of channel '\(channel)'")
        }
        return channel
    }

    /// Adds a subscription, and what the hub is asked for.
    mutating func add(
        _ channel: ChannelName, _ since: StreamPosition?, isByClient: Bool, waiter: SocketIONamespace.Waiter,
        isKept: Bool = true, to namespace: inout SocketIONamespace, _ starts: inout [SubscriptionRequest]
    ) throws(CentrifugeError) {
        guard channelCount(with: namespace) < policy.maxChannels else {
            throw .limitExceeded("a client may have \(policy.maxChannels) channels")
        }
        let number = makeNumber()
        let rules = policy.channels.rules(channel) ?? ChannelRules()
        var subscription = SocketIONamespace.Subscription(
            channel: channel, number: number, waiter: waiter, isByClient: isByClient, isKept: isKept)
        if rules.recovery != .off { subscription.since = since }
        namespace.subscriptions.append(subscription)
        var request = SubscriptionRequest(
            channel: channel, wish: Self.wish(since, rules), request: number, form: form(number, rules, namespace))
        // Lost with the others where one of them is missing something: nothing of it may have come before.
        request.isLast = isByClient && waiter == .connect && rules.recovery == .off
        starts.append(request)
    }

    private func channelCount(with namespace: SocketIONamespace) -> Int {
        channelCount + (namespaces.contains { $0.name == namespace.name } ? 0 : namespace.subscriptions.count)
    }

    private static func wish(_ since: StreamPosition?, _ rules: ChannelRules) -> RecoveryRequest {
        switch rules.recovery {
        case .off: .none
        case .stream: since.map { .since($0) } ?? .none
        case .cache: .last(1)
        }
    }

    /// How a subscription's publications read.
    private func form(_ number: UInt32, _ rules: ChannelRules, _ namespace: SocketIONamespace) -> SubscriptionForm? {
        // Who hears what an emitter sends to several rooms, each session knows.
        if policy.opensRooms || namespace.isRecoverable && rules.recovery != .off {
            let lead = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
            return .personal(.socketIOPositioned, lead: lead)
        }
        let isGuarded = namespace.isRecoverable
        guard namespace.name != "/" else { return nil }
        return .interned(
            ExactText("socketio \(isGuarded ? "guarded" : "plain") \(namespace.name)"),
            .socketIO(namespace.name, isGuarded: isGuarded))
    }

    /// All subscriptions of a CONNECT are there: its answer, then the first of what the client missed.
    mutating func welcome(_ index: Int) -> SessionAction {
        guard let connecting = namespaces[index].connecting else { return .none }
        let (name, isRecoverable) = (namespaces[index].name, namespaces[index].isRecoverable)
        let isRecovered = connecting.isReturning && connecting.isComplete
        let pid = connecting.pid
        // Until its own events have come, the client is in each channel where it was.
        if isRecovered { for (number, _) in connecting.starts { rewind(number) } }
        namespaces[index].connecting?.progress = .init(isRecovered: isRecovered)
        let answer = SocketIOWriter.connect(name, sid: policy.socketID(pid), pid: isRecoverable ? pid : nil)
        return .all([.send(answer)] + catchUp(index))
    }

    /// Whether a client that has the answer to its CONNECT is yet to be sent more of what it missed. Until then it gets nothing else.
    var isCatchingUp: Bool { namespaces.last?.connecting?.progress != nil }

    /// The next part of what the client missed; with the last one the CONNECT is over.
    mutating func catchUp() -> SessionAction { isCatchingUp ? .all(catchUp(namespaces.count - 1)) : .none }

    private mutating func catchUp(_ index: Int) -> [SessionAction] {
        guard let starts = namespaces[index].connecting?.starts, var progress = namespaces[index].connecting?.progress
        else { return [] }
        var (actions, left) = ([SessionAction](), SocketIOBounds.missedEvents)
        while progress.start < starts.count, left > 0 {
            let (number, start) = starts[progress.start]
            actions += begin(
                number, start, isRecovered: progress.isRecovered, from: &progress.publication, left: &left)
            if progress.publication < 0 { (progress.start, progress.publication) = (progress.start + 1, 0) }
        }
        guard progress.start == starts.count else {
            namespaces[index].connecting?.progress = progress
            return actions
        }
        namespaces[index].connecting = nil
        if namespaces[index].isRecoverable {
            actions.append(.send(SocketIOWriter.offset(namespaces[index].name, namespaces[index].offset)))
        }
        return actions
    }

    /// A channel is missing something: the client begins anew, as with its first handshake. What it asked for then it asks for again.
    mutating func beginAnew(_ index: Int) -> [SessionAction] {
        guard namespaces[index].connecting?.isComplete == true else { return [] }
        namespaces[index].connecting?.isComplete = false
        let lost = namespaces[index].subscriptions.filter(\.isByClient)
        namespaces[index].connecting?.missing -= lost.count(where: { $0.waiter == .connect })
        namespaces[index].subscriptions.removeAll(where: \.isByClient)
        return lost.map { .leave($0.channel, request: $0.number) } + rename(index)
    }

    /// The client is another socket than the one that it was, with another room of its own.
    private mutating func rename(_ index: Int) -> [SessionAction] {
        guard let connecting = namespaces[index].connecting else { return [] }
        let pid = SocketIOPrivateID.make()
        namespaces[index].connecting?.pid = pid
        guard policy.opensRooms, let before = SocketIORooms.own(policy.socketID(connecting.pid)),
            let place = namespaces[index].index(of: before), let own = SocketIORooms.own(policy.socketID(pid))
        else { return [] }
        let old = namespaces[index].subscriptions.remove(at: place)
        namespaces[index].connecting?.starts.removeAll { $0.number == old.number }
        var (starts, namespace) = ([SubscriptionRequest](), namespaces[index])
        // There is room: it takes the place of the other.
        try? add(own, nil, isByClient: false, waiter: .connect, to: &namespace, &starts)
        namespaces[index] = namespace
        // The other may be on its way; then its answer comes to nobody.
        namespaces[index].connecting?.missing += starts.count - (old.waiter == .connect ? 1 : 0)
        return [.leave(old.channel, request: old.number)] + starts.map { .join($0) }
    }

    /// The client leaves a namespace. Its connection stays.
    mutating func leave(_ index: Int) -> SessionAction {
        let namespace = namespaces.remove(at: index)
        mayRecover = false
        return .all(namespace.subscriptions.map { .leave($0.channel, request: $0.number) })
    }

    /// The last messages of a client that stays away: one for each of its namespaces.
    public func farewells(_ disconnect: Disconnect) -> [Body] {
        // Who should come back by itself must not hear that it was sent away.
        guard disconnect.advice != .reconnect else { return [] }
        return namespaces.filter(\.isConnected).map { SocketIOWriter.disconnect($0.name) }
    }
}

/// With what a client comes back. Only it and its node know it.
enum SocketIOPrivateID {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// 192 random bits in 32 characters, from the system's generator, which is fit for secrets.
    static func make() -> String {
        String(decoding: (0..<32).map { _ in alphabet[Int(UInt8.random(in: 0...63))] }, as: UTF8.self)
    }

    /// Whether a text can be one.
    static func isOne(_ text: String) -> Bool {
        (20...SocketIOBounds.privateIDBytes).contains(text.utf8.count) && text.utf8.allSatisfy { alphabet.contains($0) }
    }
}

/// Coming back, and tokens.
extension SocketIOSession {
    /// Where the client was; `nil`: it comes for the first time, or with what can't be believed. It is let into each channel anew.
    private func returning(
        _ request: SocketIOConnect, _ namespace: SocketIONamespace, _ claims: [ServerSubscription]
    ) -> SocketIOOffset? {
        guard mayRecover, let pid = request.pid, SocketIOPrivateID.isOne(pid), let text = request.offset,
            let offset = SocketIOOffset(text, maxChannelNameBytes: policy.maxChannelNameBytes)
        else { return nil }
        let listed = Set(claims.map(\.channel))
        for item in offset.items where !SocketIORooms.isRoom(item.channel, of: namespace.name) {
            guard SocketIONamespace.room(of: item.channel.text, in: namespace.name) != nil else { return nil }
            guard !listed.contains(item.channel.text) else { continue }
            guard let rules = policy.channels.rules(item.channel),
                namespace.grants.may(.subscribe, in: item.channel, rules.subscribe, isSubscribed: false)
            else { return nil }
        }
        return offset
    }

    /// Whether the token that is being checked says for the first time who the client is.
    var isAskingToConnect: Bool { asking.first?.isConnect == true && user.isEmpty }

    /// A connection token is good.
    ///
    /// - Returns: what to do, or why it is none for this client.
    mutating func authenticated(_ claims: ConnectClaims, now: TokenTime) -> Result<[SessionAction], TokenRefusal> {
        guard let command = asking.first, case .connect(let request) = command.method else {
            asking = []
            return .success([.disconnect(.badRequest)])
        }
        // A connection is one client of one user, however many namespaces it has.
        guard user.isEmpty || claims.user == user else { return .failure(.otherUser) }
        asking = []
        let identity = ClientIdentity(claims, permissions: policy.users, now: now)
        let grants = Grants(anonymous: policy.permissions, identity: identity)
        return .success([begin(command.namespace, request, grants, claims: claims.subscriptions)])
    }

    /// The token is not to be believed. The client learns no more than it needs for its next step.
    mutating func refused(_ refusal: TokenRefusal) -> SessionAction {
        guard let command = asking.popLast() else { return .disconnect(.badRequest) }
        guard command.isConnect else {
            if refusal.isTemporary { return refuse(command, .internalError("tokens can't be checked at the moment")) }
            return refuse(command, refusal == .expired ? .tokenExpired : .permissionDenied)
        }
        // A CONNECT_ERROR would keep the client away.
        guard !refusal.isTemporary else { return .disconnect(.tryAgainLater, reason: "tokens can't be checked") }
        refusals += 1
        return refuse(command.namespace, refusal == .expired ? .tokenExpired : .unauthorized)
    }

    /// The token is good, but its user has as many clients as it may: the connection ends, and the client tries again.
    mutating func crowded() -> SessionAction {
        asking = []
        return .none
    }

    /// Seconds until there is something to do about time.
    func secondsLeft(_ now: TokenTime) -> Int64? {
        let lefts =
            namespaces.compactMap { $0.grants.secondsLeft(now) }
            + [connectBy.map { $0.subtractingClamped(now.monotonic) }].compactMap(\.self)
        return lefts.min()
    }

    /// What to do about tokens that expired, and about a client that joins nothing. Who comes back brings a new token.
    mutating func expire(_ now: TokenTime) -> [SessionAction] {
        if let connectBy, connectBy <= now.monotonic { return [.disconnect(.stale, reason: "no CONNECT in time")] }
        // What a backend gave for a while ends alone: the client could not come back to it.
        var ended: [SessionAction] = []
        for index in namespaces.indices where namespaces[index].isConnected {
            let (grants, subscriptions) = (namespaces[index].grants, namespaces[index].subscriptions)
            for channel in subscriptions.map(\.channel)
            where grants[channel]?.source == .backend && grants.hasExpired(channel, now, grace: 0) {
                ended += remove(channel, index)
            }
        }
        let hasExpired = namespaces.contains { namespace in
            namespace.grants.hasExpired(now, grace: 0)
                || namespace.subscriptions.contains { namespace.grants.hasExpired($0.channel, now, grace: 0) }
        }
        return hasExpired ? [.disconnect(.expired)] : ended
    }
}
