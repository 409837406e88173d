/// What a publication may carry beside its payload. In memory of its own, so that publications without it, which are nearly all,
/// pay one word for it and no allocation.
public final class PublicationMetadata: Sendable {
    public let tags: PublicationTags
    /// Who published it; `nil`: a backend, or a client of a channel whose publications don't name it.
    public let info: ClientInfo?
    /// The client that does not hear it, nearly always its publisher; `nil`: everybody does. Clients are not told.
    public let excludedClient: ClientID?
    /// Channels whose subscribers do not hear it: clients of Socket.IO, for which one event may come in several channels. Others
    /// hear it all the same.
    public let unless: [ChannelName]
    /// How often a subscriber may hear it at most, as its publisher said: 0 at most once, 1 at least once; `nil`: exactly once, or its
    /// publisher can't say it. Only protocols that tell these apart ask for it.
    public let qos: UInt8?
    /// Bytes that it adds to the payload's on its way between nodes, about.
    public let size: Int

    /// `nil` when there is nothing to carry. An info above ``maximumInfoBytes`` is left out: a publication does not fail because
    /// its publisher has a long name.
    public init?(
        tags: PublicationTags = .none, info: ClientInfo? = nil, excludedClient: ClientID? = nil,
        unless: [ChannelName] = [], qos: UInt8? = nil
    ) {
        let infoBytes = info?.json.readableBytes ?? 0
        let fits = infoBytes <= Self.maximumInfoBytes
        guard !tags.isEmpty || info != nil && fits || excludedClient != nil || !unless.isEmpty || qos != nil
        else { return nil }
        self.tags = tags
        self.info = fits ? info : nil
        self.excludedClient = excludedClient
        self.unless = unless
        self.qos = qos
        size =
            tags.size + (fits ? infoBytes : 0) + (excludedClient == nil ? 0 : ClientID.bytes)
            + unless.reduce(0) { $0 + 1 + $1.string.utf8.count } + (qos == nil ? 0 : 1)
    }
}

extension PublicationMetadata: Equatable {
    public static func == (lhs: PublicationMetadata, rhs: PublicationMetadata) -> Bool {
        lhs === rhs
            || lhs.tags == rhs.tags && lhs.info == rhs.info && lhs.excludedClient == rhs.excludedClient
                && lhs.unless == rhs.unless && lhs.qos == rhs.qos
    }
}
