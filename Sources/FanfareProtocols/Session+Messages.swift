import FanfareCore
import FanfareWire
import NIOCore

/// What the client sends.
extension Session {
    private var isRaw: Bool { if case .raw = self { true } else { false } }

    /// A message came.
    public mutating func take(_ message: Payload) -> Taken {
        switch self {
        case .raw(let session): .action(session.take(message))
        case .centrifuge: centrifuge(or: .commands(0)) { $0.take(message) }
        case .socketIO: socketIO(or: .commands(0)) { $0.take(message) }
        case .stomp: stomp(or: .commands(0)) { $0.take(message) }
        case .mqtt: mqtt(or: .commands(0)) { $0.take(message) }
        case .graphQL: graphQL(or: .commands(0)) { $0.take(message) }
        case .echo: .action(.send(Body(message)))
        }
    }

    /// Whether commands came that are not begun.
    public var hasCommands: Bool {
        switch self {
        case .centrifuge(let session): !session.queue.isEmpty
        case .socketIO(let session): !session.value.waiting.isEmpty
        case .stomp(let session): session.value.hasCommands
        case .mqtt(let session): session.value.hasCommands
        case .graphQL(let session): session.value.hasCommands
        case .raw, .echo: false
        }
    }

    /// Whether a message is to come that belongs to those before it.
    public var isWithinMessage: Bool {
        switch self {
        case .socketIO(let session): session.value.isWithinPacket
        case .stomp(let session): session.value.reader.isWithinFrame
        case .mqtt(let session): session.value.isWithinPacket
        case .raw, .centrifuge, .graphQL, .echo: false
        }
    }

    /// The next command that came, if it may begin.
    ///
    /// - Parameter mayRead: whether one that reads from the broker may.
    public mutating func next(mayRead: Bool) -> Next {
        if isRaw { return .none }
        if case .socketIO = self { return socketIO(or: .none) { $0.next(mayRead: mayRead) } }
        if case .stomp = self { return stomp(or: .none) { $0.next(mayRead: mayRead) } }
        if case .mqtt = self { return mqtt(or: .none) { $0.next(mayRead: mayRead) } }
        if case .graphQL = self { return graphQL(or: .none) { $0.next(mayRead: mayRead) } }
        return centrifuge(or: .none) { session in
            switch session.queue.next(mayRead: mayRead) {
            case .perform(let command):
                .perform(.centrifuge(command), weight: command.weight(withToken: session.requestToken != nil))
            case .wait: .wait
            case .none: .none
            case .fail(let error): .fail(.disconnect(.badRequest, reason: "\(error)"))
            }
        }
    }

    /// Begins a command.
    public mutating func perform(_ command: Command) -> SessionAction {
        switch command {
        case .centrifuge(let command): centrifuge(or: .none) { $0.receive(command) }
        case .socketIO(let command): socketIO(or: .none) { $0.perform(command) }
        case .stomp(let request): stomp(or: .none) { $0.perform(request) }
        case .mqtt(let request): mqtt(or: .none) { $0.perform(request) }
        case .graphQL(let command): graphQL(or: .none) { $0.perform(command) }
        }
    }

    /// Refuses a command that came too early.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    public mutating func refuseForNow(_ command: Command, wait: UInt64) -> SessionAction {
        switch command {
        case .centrifuge(let command): centrifuge(or: .none) { $0.refuseForNow(command, wait: wait) }
        case .socketIO(let command): socketIO(or: .none) { $0.refuseForNow(command, wait: wait) }
        case .stomp(let request): stomp(or: .none) { $0.refuseForNow(request, wait: wait) }
        case .mqtt(let request): mqtt(or: .none) { $0.refuseForNow(request) }
        case .graphQL(let command): graphQL(or: .none) { $0.refuseForNow(command, wait: wait) }
        }
    }

    /// The client has ended its half. What it published before counts; it hears no answers any more, so nothing is read and no
    /// token is checked.
    public mutating func keepPublications() {
        centrifuge(or: ()) { $0.queue.keepPublications() }
        socketIO(or: ()) { $0.keepPublications() }
        stomp(or: ()) { $0.keepPublications() }
        mqtt(or: ()) { $0.keepPublications() }
        graphQL(or: ()) { $0.keepPublications() }
    }
}

/// What the hub asks.
extension Session {
    /// Whether the client is to end with its next turn: a delivery came that it had no room for.
    public var isOverrun: Bool { if case .stomp(let session) = self { session.value.overrun != nil } else { false } }

    /// Writes the lead of one delivery of a subscription that numbers them; returns whether the client takes it now: see
    /// ``HubMember/writeLead(of:request:into:)``.
    public mutating func writeLead(of publication: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool {
        switch self {
        case .stomp: stomp(or: false) { $0.writeLead(of: publication, request: request, into: &lead) }
        case .mqtt: mqtt(or: false) { $0.writeLead(of: publication, request: request, into: &lead) }
        // Leads of the others are the same each time.
        case .raw, .centrifuge, .socketIO, .graphQL, .echo: false
        }
    }
}

/// What the broker answers.
extension Session {
    /// The subscription is in force.
    public mutating func subscribed(
        _ channel: ChannelName, id: UInt32, _ start: SubscriptionStart
    ) -> SessionAction {
        switch self {
        case .raw(let session): session.subscribed(start)
        case .centrifuge:
            centrifuge(or: .none) { session in
                session.announce(channel, start) ?? session.subscribed(channel, id: id, start).map { .answer($0) }
                    ?? .none
            }
        case .socketIO: socketIO(or: .none) { $0.subscribed(id: id, start) }
        case .stomp: stomp(or: .none) { $0.subscribed(id: id, start) }
        case .mqtt: mqtt(or: .none) { $0.subscribed(id: id, start) }
        case .graphQL: graphQL(or: .none) { $0.subscribed(id: id, start) }
        case .echo: .none
        }
    }

    /// Whether the first command is answered, and more of what the client missed is to be sent before anything else.
    public var isCatchingUp: Bool {
        if case .socketIO(let session) = self { session.value.isCatchingUp } else { false }
    }

    /// The next part of that, for one turn.
    public mutating func catchUp() -> SessionAction { socketIO(or: .none) { $0.catchUp() } }

    /// The subscription could not be had.
    public mutating func subscribeFailed(
        _ channel: ChannelName, id: UInt32, _ error: BrokerError
    ) -> SessionAction {
        if case .socketIO = self { return socketIO(or: .none) { $0.subscribeFailed(id: id, error) } }
        if case .stomp = self { return stomp(or: .none) { $0.subscribeFailed(id: id, error) } }
        if case .mqtt = self { return mqtt(or: .none) { $0.subscribeFailed(id: id, error) } }
        if case .graphQL = self { return graphQL(or: .none) { $0.subscribeFailed(id: id, error) } }
        return centrifuge(or: .disconnect(.tryAgainLater, reason: "\(error)")) { session in
            // The client can't have what its token promises: another node, or this one later, can give it.
            if session.isConnecting { return .disconnect(.tryAgainLater, reason: "\(error)") }
            // Whoever wanted it is told.
            if session.isAnnounced(channel) {
                session.forget(channel)
                return .none
            }
            return .send(session.subscribeFailed(channel, id: id, error))
        }
    }

    /// The node ended the subscription.
    public mutating func unsubscribed(_ channel: ChannelName, _ reason: UnsubscribeReason) -> SessionAction {
        centrifuge(or: .disconnect(.insufficientState)) { session in
            // One that the node made can't be lost while the connection goes on.
            if session.grants.isServerSide(channel) { return .disconnect(.insufficientState) }
            return .send(session.unsubscribed(channel, reason))
        }
    }

    /// What became of a publish.
    public mutating func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        // Looked at before a session is taken out of the enum, which is a copy.
        if isRaw, case .success = result { return .none }
        return switch self {
        case .raw(let session): session.published(result)
        case .centrifuge(let session): .send(session.published(id: id, result))
        case .socketIO: socketIO(or: .none) { $0.published(id: id, result) }
        case .stomp: stomp(or: .none) { $0.published(id: id, result) }
        case .mqtt: mqtt(or: .none) { $0.published(id: id, result) }
        case .graphQL: graphQL(or: .none) { $0.published(id: id, result) }
        case .echo: .none
        }
    }

    /// What was read from a history.
    ///
    /// - Parameter maxBytes: a bigger answer would make the client a slow one, unless it is a single publication.
    public mutating func read(
        id: UInt32, since: StreamPosition?, _ result: Result<HistoryPage, BrokerError>, maxBytes: Int
    ) -> SessionAction {
        if case .centrifuge(let session) = self {
            return .answer(session.read(id: id, since: since, result, maxBytes: maxBytes))
        }
        if case .stomp = self { return stomp(or: .none) { $0.read(id: id, result) } }
        if case .mqtt = self { return mqtt(or: .none) { $0.read(id: id, result) } }
        if case .graphQL = self { return graphQL(or: .none) { $0.read(id: id, since: since, result) } }
        return socketIO(or: .none) { $0.read(id: id, since: since, result, maxBytes: maxBytes) }
    }

    /// Who is in a channel.
    ///
    /// - Parameter maxBytes: a bigger answer would make the client a slow one.
    public mutating func presence(id: UInt32, _ result: Result<PresencePage, BrokerError>, maxBytes: Int)
        -> SessionAction
    {
        if case .centrifuge(let session) = self { return .answer(session.presence(id: id, result, maxBytes: maxBytes)) }
        if case .graphQL = self { return graphQL(or: .none) { $0.presence(id: id, result) } }
        return socketIO(or: .none) { $0.presence(id: id, result, maxBytes: maxBytes) }
    }

    /// How many are in a channel.
    public mutating func presenceStats(id: UInt32, _ result: Result<PresenceStats, BrokerError>) -> SessionAction {
        if case .centrifuge(let session) = self { return .answer(session.presenceStats(id: id, result)) }
        return socketIO(or: .none) { $0.presenceStats(id: id, result) }
    }

    /// What of a frame with a lead leaves for its client.
    public enum Personal: Sendable {
        /// The frame: its transport puts it together.
        case unchanged
        /// This message.
        case message(Body)
        /// Nothing: the client has no such subscription any more. What nodes share of it reads to no client.
        case nothing
    }

    /// Whether ``personal(_:)`` may change a frame: then nothing may go past it.
    public var changesPersonal: Bool { if case .socketIO = self { true } else { false } }

    /// A publication in a format with leads, as this client hears it.
    public mutating func personal(_ frame: SplitFrame) -> Personal {
        guard case .socketIO = self else { return .unchanged }
        return socketIO(or: .nothing) { session in session.personal(frame).map { Personal.message($0) } ?? .nothing }
    }

    /// Bytes of what a subscription missed as this client gets them, about.
    public func size(of start: SubscriptionStart, request: UInt32) -> Int {
        switch self {
        case .socketIO(let session): session.value.size(of: start, request)
        case .stomp(let session): session.value.size(of: start)
        case .mqtt(let session): session.value.size(of: start)
        case .graphQL(let session): session.value.size(of: start, request)
        case .raw, .centrifuge, .echo: start.weight
        }
    }
}
