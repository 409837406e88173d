import FanfareCore
import FanfareWire
import NIOCore

/// What a client subscribes to by itself, and what the hub says of all its subscriptions.
extension SocketIOSession {
    /// A subscription that the client asks for, with a token or without.
    mutating func admit(
        _ channel: ChannelName, _ rules: ChannelRules, _ request: SocketIOSubscribe, _ index: Int,
        _ command: SocketIOCommand
    ) -> SessionAction {
        if let token = request.token, !token.isEmpty, !policy.ignoresTokens {
            asking = [command]
            return .authenticate(token, .subscription)
        }
        guard may(.subscribe, channel, rules.subscribe, index) else { return refuse(command, .permissionDenied) }
        return subscribe(channel, request, index, command, nil)
    }

    /// A subscription token is good.
    ///
    /// - Returns: what to do, or why it does not open what the event asks for.
    mutating func authenticated(_ claims: SubscriptionClaims, now: TokenTime) -> Result<[SessionAction], TokenRefusal> {
        guard let command = asking.first, case .subscribe(let request) = command.method,
            let index = namespaces.firstIndex(where: { $0.name == command.namespace }),
            let channel = try? ChannelName(
                SocketIONamespace.channel(of: request.room, in: command.namespace), limit: policy.maxChannelNameBytes)
        else {
            asking = []
            return .success([.disconnect(.badRequest)])
        }
        let isOther = claims.client.map { $0 != ExactText(clientID) } ?? false
        guard claims.channel == channel.text, !isOther else { return .failure(.otherChannel) }
        guard claims.user == namespaces[index].grants.user else { return .failure(.otherUser) }
        asking = []
        return .success([subscribe(channel, request, index, command, SubscriptionGrant(claims, now: now))])
    }

    private mutating func subscribe(
        _ channel: ChannelName, _ request: SocketIOSubscribe, _ index: Int, _ command: SocketIOCommand,
        _ grant: SubscriptionGrant?
    ) -> SessionAction {
        guard namespaces[index].index(of: channel) == nil else { return refuse(command, .alreadySubscribed) }
        var (starts, namespace) = ([SubscriptionRequest](), namespaces[index])
        do throws(CentrifugeError) {
            try add(
                channel, request.since, isByClient: true, waiter: .event(ack: command.ack), to: &namespace, &starts)
        } catch {
            return refuse(command, error)
        }
        namespace.grants[channel] = grant
        namespaces[index] = namespace
        return starts.first.map { .join($0) } ?? .none
    }

    /// Never fails for a channel that the client does not have.
    mutating func unsubscribe(_ channel: ChannelName, _ index: Int, _ command: SocketIOCommand) -> SessionAction {
        guard let place = namespaces[index].index(of: channel) else { return answer(command) }
        guard namespaces[index].subscriptions[place].isByClient else { return refuse(command, .permissionDenied) }
        let subscription = namespaces[index].subscriptions.remove(at: place)
        namespaces[index].grants[channel] = nil
        var actions: [SessionAction] = [.leave(channel, request: subscription.number)]
        // It was in force for a moment, as far as the client knows.
        if case .event(let ack?) = subscription.waiter {
            actions.append(.send(SocketIOWriter.ack(command.namespace, ack) { $0.writeStaticString("{}") }))
        }
        actions += tellOffset(index)
        actions.append(answer(command))
        return .all(actions)
    }

    /// An answer that says nothing but that it was done.
    private func answer(_ command: SocketIOCommand) -> SessionAction {
        guard let ack = command.ack else { return .none }
        return .send(SocketIOWriter.ack(command.namespace, ack) { $0.writeStaticString("{}") })
    }

    /// Where the client is, after its channels have changed: before it is told that they have.
    func tellOffset(_ index: Int) -> [SessionAction] {
        guard namespaces[index].isRecoverable else { return [] }
        return [.send(SocketIOWriter.offset(namespaces[index].name, namespaces[index].offset))]
    }

    private func find(_ number: UInt32) -> (namespace: Int, place: Int)? {
        for index in namespaces.indices {
            if let place = namespaces[index].index(of: number) { return (index, place) }
        }
        return nil
    }

    /// Whether a CONNECT waits for its subscriptions: until they are in force the client gets nothing else.
    var isConnecting: Bool { namespaces.last?.isConnected == false }

    /// The subscription is in force.
    mutating func subscribed(id: UInt32, _ start: SubscriptionStart) -> SessionAction {
        guard let (index, place) = find(id) else { return .none }
        let waiter = namespaces[index].subscriptions[place].waiter
        namespaces[index].subscriptions[place].waiter = nil
        switch waiter {
        case .connect:
            inForce(index, place, start.position)
            let isBack = namespaces[index].subscriptions[place].since != nil
            namespaces[index].connecting?.missing -= 1
            namespaces[index].connecting?.starts.append((id, start))
            let lost = isBack && !start.isComplete ? beginAnew(index) : []
            guard namespaces[index].connecting?.missing == 0 else { return lost.isEmpty ? .none : .all(lost) }
            return lost.isEmpty ? welcome(index) : .all(lost + [welcome(index)])
        case .event(let ack):
            inForce(index, place, start.position)
            let since = namespaces[index].subscriptions[place].since
            if start.isComplete { rewind(id) }
            var actions = tellOffset(index)
            if let ack {
                let room = SocketIONamespace.room(
                    of: namespaces[index].subscriptions[place].channel.text, in: namespaces[index].name)
                let isRecovered = since.map { _ in start.isComplete }
                actions.append(
                    .send(Self.subscribeAck(namespaces[index].name, ack, room ?? "", start.position, isRecovered)))
            }
            actions += begin(id, start, isRecovered: true)
            return .all(actions)
        case .backend:
            inForce(index, place, start.position)
            if start.isComplete { rewind(id) }
            return .all(tellOffset(index) + begin(id, start, isRecovered: true))
        case nil:
            return .none
        }
    }

    private mutating func inForce(_ index: Int, _ place: Int, _ position: StreamPosition?) {
        let channel = namespaces[index].subscriptions[place].channel
        let isRecovered =
            namespaces[index].isRecoverable && policy.channels.rules(channel)?.recovery != .off
            && namespaces[index].subscriptions[place].isKept
        namespaces[index].subscriptions[place].isInForce = true
        namespaces[index].subscriptions[place].position = isRecovered ? position : nil
    }

    /// Takes a client that comes back to where it was: what it missed brings it on, event by event.
    mutating func rewind(_ number: UInt32) {
        guard let (index, place) = find(number), let since = namespaces[index].subscriptions[place].since,
            namespaces[index].subscriptions[place].position != nil
        else { return }
        namespaces[index].subscriptions[place].position = since
    }

    /// Bytes of the events that ``begin(_:_:isRecovered:)`` makes of a subscription's start, about: each has the whole offset behind it.
    func size(of start: SubscriptionStart, _ number: UInt32) -> Int {
        guard !start.publications.isEmpty, let (index, _) = find(number) else { return start.size }
        let namespace = namespaces[index]
        let own = SocketIOBounds.eventBytes + namespace.name.utf8.count + namespace.offsetBytes
        return start.size + start.publications.count * own
    }

    /// What a subscription brings before live traffic, as events, each with the offset that the client has with it.
    ///
    /// - Parameter isRecovered: whether the client takes up where it was; else it gets only what a new one gets.
    mutating func begin(_ number: UInt32, _ start: SubscriptionStart, isRecovered: Bool) -> [SessionAction] {
        var (next, left) = (0, Int.max)
        return begin(number, start, isRecovered: isRecovered, from: &next, left: &left)
    }

    /// The same in parts.
    ///
    /// - Parameters:
    ///   - next: the publication to begin with; afterwards the one to go on with, or -1 where that was all.
    ///   - left: publications that may be looked at, those among them that the client does not hear; it is charged.
    mutating func begin(
        _ number: UInt32, _ start: SubscriptionStart, isRecovered: Bool, from next: inout Int,
        left: inout Int
    ) -> [SessionAction] {
        let (first, most) = (next, left)
        next = -1
        guard let (index, place) = find(number) else { return [] }
        let subscription = namespaces[index].subscriptions[place]
        let (name, isGuarded) = (namespaces[index].name, namespaces[index].isRecoverable)
        var actions: [SessionAction] = []
        let missed = Self.missed(start, subscription, policy.channels.rules(subscription.channel), isRecovered)
            .dropFirst(first)
        left -= min(missed.count, most)
        for publication in missed.prefix(most) {
            if subscription.position != nil { namespaces[index].subscriptions[place].position = publication.position }
            let event = SocketIOSharedEvent(publication)
            guard !namespaces[index].hasOne(of: event.unless) else { continue }
            let offset = subscription.position == nil ? nil : namespaces[index].offset
            actions.append(
                .answer(event.packet(name, offset: offset, isGuarded: isGuarded)))
        }
        guard missed.count <= most else {
            next = first + most
            return actions
        }
        if subscription.position != nil { namespaces[index].subscriptions[place].position = start.position }
        return actions
    }

    private static func missed(
        _ start: SubscriptionStart, _ subscription: SocketIONamespace.Subscription, _ rules: ChannelRules?,
        _ isRecovered: Bool
    ) -> [Publication] {
        switch rules?.recovery ?? .off {
        case .off: return []
        case .stream: return isRecovered && start.isComplete ? start.publications : []
        case .cache:
            guard isRecovered, let since = subscription.since, since.epoch == start.position?.epoch else {
                return start.publications
            }
            // The newest may be what the client has already.
            return start.publications.filter { ($0.position?.offset ?? 0) > since.offset }
        }
    }

    /// `{"room":"1","position":"42.k3vx","recovered":true}`: what is known.
    private static func subscribeAck(
        _ namespace: ExactText, _ ack: UInt64, _ room: ExactText, _ position: StreamPosition?, _ isRecovered: Bool?
    ) -> Body {
        SocketIOWriter.ack(namespace, ack) { buffer in
            buffer.writeStaticString("{\"room\":")
            JSONWriter.writeString(room.string, into: &buffer)
            if let position { buffer.writeString(",\"position\":\"\(position)\"") }
            if let isRecovered { buffer.writeString(",\"recovered\":\(isRecovered)") }
            buffer.writeStaticString("}")
        }
    }

    /// The subscription could not be had.
    mutating func subscribeFailed(id: UInt32, _ error: BrokerError) -> SessionAction {
        guard let (index, place) = find(id) else { return .none }
        let subscription = namespaces[index].subscriptions.remove(at: place)
        namespaces[index].grants[subscription.channel] = nil
        switch subscription.waiter {
        // The client can't have what its token promises: another node, or this one later, can give it.
        case .connect, nil: return .disconnect(.tryAgainLater, reason: "\(error)")
        // The backend is told by the hub's answer.
        case .backend: return .none
        case .event(nil): return .dropped
        case .event(let ack?):
            let error: CentrifugeError =
                error == .tooManyFilters ? .limitExceeded("\(error)") : .internalError("\(error)")
            return .refuse(SocketIOWriter.ack(namespaces[index].name, ack, error))
        }
    }

    /// A publication of a subscription with a lead: the message for this client, which is a step further with it; `nil`: it has no
    /// such subscription any more.
    mutating func personal(_ frame: SplitFrame) -> Body? {
        var lead = frame.head
        guard let number = lead.readInteger(as: UInt32.self), let (index, place) = find(number),
            let event = SocketIOSharedEvent(shared: frame.body)
        else { return nil }
        let isPositioned = namespaces[index].subscriptions[place].position != nil && event.position != nil
        if isPositioned { namespaces[index].subscriptions[place].position = event.position }
        guard !namespaces[index].hasOne(of: event.unless) else { return nil }
        return event.packet(
            namespaces[index].name, offset: isPositioned ? namespaces[index].offset : nil,
            isGuarded: namespaces[index].isRecoverable)
    }
}
