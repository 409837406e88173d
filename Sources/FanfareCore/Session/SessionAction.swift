import FanfareWire

/// What a session wants to be done next, in whatever protocol. Whoever carries it out reports back with the same id.
public enum SessionAction: Sendable, Equatable {
    /// Nothing.
    case none
    /// Several things, in this order.
    case all([SessionAction])
    /// Nothing; a command was refused that asked for no answer.
    case dropped
    /// Send this message.
    case send(Body)
    /// Send this message; it refuses a command.
    case refuse(Body)
    /// Send this answer, which the node owes the client and which may be bigger than what may wait for a client otherwise.
    case answer(Body)
    /// Send what a subscription missed, as publications read to this client.
    case deliver(SubscriptionStart)
    /// Send this message, and behind it what a subscription missed, as publications read to this client.
    case announce(Body, SubscriptionStart)
    /// Subscribe the client, then report back. A selection of deltas is for formats whose codec has them.
    case subscribe(ChannelName, RecoveryRequest, Selection? = nil, id: UInt32)
    /// Subscribe the client as the request says, then report back.
    case join(SubscriptionRequest)
    /// End one of the client's subscriptions to the channel, that of this request.
    case leave(ChannelName, request: UInt32)
    /// None of the client's subscriptions has the interned format of this name any more.
    case release(format: ExactText)
    /// Unsubscribe the client, then send these messages.
    case unsubscribe(ChannelName, replies: [Body])
    /// Publish with these tags, then report back.
    case publish(ChannelName, Payload, PublicationTags = .none, id: UInt32)
    /// The same, to all but this client.
    case publishToOthers(ChannelName, Payload, PublicationTags, id: UInt32)
    /// Publish with these tags and on these terms, then report back.
    case publishOnTerms(ChannelName, Payload, PublicationTags, PublishTerms, id: UInt32)
    /// Read the channel's history, then report back.
    case history(ChannelName, HistoryQuery, id: UInt32)
    /// Read who is in the channel, then report back.
    case presence(ChannelName, id: UInt32)
    /// Read how many are in the channel, then report back.
    case presenceStats(ChannelName, id: UInt32)
    /// Check this token, then report back; until then the client's next commands wait.
    case authenticate(String, TokenPurpose)
    /// Subscribe the client to all of these, then report back with each; until then the client's next commands wait.
    case begin([SubscriptionRequest], id: UInt32)
    /// End the client.
    ///
    /// - Parameter reason: more than ``Disconnect/reason`` says.
    case disconnect(Disconnect, reason: String? = nil)
}

/// How a client's publication reaches others.
public struct PublishTerms: Sendable, Equatable {
    /// See ``PublicationMetadata/qos``.
    public var qos: UInt8?
    /// Whether its publisher does not hear it.
    public var isForOthers: Bool

    public init(qos: UInt8?, isForOthers: Bool = false) { (self.qos, self.isForOthers) = (qos, isForOthers) }
}

/// What a token is to open.
public enum TokenPurpose: Sendable, Equatable {
    case connection
    case subscription
}
