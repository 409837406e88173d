import FanfareCore
import FanfareWire

/// What the client sends.
extension Session {
    /// A message came.
    public mutating func take(_ message: Payload) -> Taken {
        switch self {
        case .raw(let session): .action(session.take(message))
        case .centrifuge: centrifuge(or: .commands(0)) { $0.take(message) }
        case .echo: .action(.send(Body(message)))
        }
    }

    /// Whether commands came that are not begun.
    public var hasCommands: Bool { if case .centrifuge(let session) = self { !session.queue.isEmpty } else { false } }

    /// The next command that came, if it may begin.
    ///
    /// - Parameter mayRead: whether one that reads from the broker may.
    public mutating func next(mayRead: Bool) -> Next {
        centrifuge(or: .none) { session in
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
        }
    }

    /// Refuses a command that came too early.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    public mutating func refuseForNow(_ command: Command, wait: UInt64) -> SessionAction {
        switch command {
        case .centrifuge(let command): centrifuge(or: .none) { $0.refuseForNow(command, wait: wait) }
        }
    }

    /// The client has ended its half. What it published before counts; it hears no answers any more, so nothing is read and no
    /// token is checked.
    public mutating func keepPublications() { centrifuge(or: ()) { $0.queue.keepPublications() } }
}

/// What the broker answers.
extension Session {
    /// The subscription is in force.
    public mutating func subscribed(
        _ channel: ChannelName, id: UInt32, _ start: SubscriptionStart
    ) -> SessionAction {
        switch self {
        case .raw(let session): session.subscribed(start)
        case .centrifuge: centrifuge(or: nil) { $0.subscribed(channel, id: id, start) }.map { .answer($0) } ?? .none
        case .echo: .none
        }
    }

    /// The subscription could not be had.
    public mutating func subscribeFailed(
        _ channel: ChannelName, id: UInt32, _ error: BrokerError
    ) -> SessionAction {
        centrifuge(or: .disconnect(.tryAgainLater, reason: "\(error)")) { session in
            // The client can't have what its token promises: another node, or this one later, can give it.
            if session.isConnecting { return .disconnect(.tryAgainLater, reason: "\(error)") }
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
    public func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        switch self {
        case .raw(let session): session.published(result)
        case .centrifuge(let session): .send(session.published(id: id, result))
        case .echo: .none
        }
    }

    /// What was read from a history.
    ///
    /// - Parameter maxBytes: a bigger answer would make the client a slow one, unless it is a single publication.
    public func read(
        id: UInt32, since: StreamPosition?, _ result: Result<HistoryPage, BrokerError>, maxBytes: Int
    ) -> SessionAction {
        guard case .centrifuge(let session) = self else { return .none }
        return .answer(session.read(id: id, since: since, result, maxBytes: maxBytes))
    }

    /// Who is in a channel.
    ///
    /// - Parameter maxBytes: a bigger answer would make the client a slow one.
    public func presence(id: UInt32, _ result: Result<PresencePage, BrokerError>, maxBytes: Int) -> SessionAction {
        guard case .centrifuge(let session) = self else { return .none }
        return .answer(session.presence(id: id, result, maxBytes: maxBytes))
    }

    /// How many are in a channel.
    public func presenceStats(id: UInt32, _ result: Result<PresenceStats, BrokerError>) -> SessionAction {
        guard case .centrifuge(let session) = self else { return .none }
        return .answer(session.presenceStats(id: id, result))
    }
}
