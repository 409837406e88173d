import FanfareCore
import FanfareWire
import NIOCore

/// What a client of the raw protocol may do: hear one channel from its first moment on and, where it may, publish there.
public struct RawSession: Sendable {
    public let channel: ChannelName
    private(set) var grants: Grants
    /// By which others know it; `nil` where nobody asks.
    private(set) var clientID: String?
    private let mayPublish: Bool
    /// Most bytes of a message in the channel; `nil`: as everywhere.
    private let maxMessageBytes: Int?

    /// - Parameters:
    ///   - rules: those of the channel.
    ///   - mayPublish: whether the client may publish there.
    public init(
        channel: ChannelName, rules: ChannelRules, mayPublish: Bool, grants: Grants, clientID: String? = nil
    ) {
        self.channel = channel
        self.mayPublish = mayPublish
        self.grants = grants
        self.clientID = clientID
        maxMessageBytes = rules.maxMessageBytes
    }

    /// A message came: it is published. The protocol has no error message, so a client is told by its end.
    func take(_ payload: Payload) -> SessionAction {
        guard mayPublish else { return .disconnect(.permissionDenied) }
        guard payload.bytes.readableBytes <= maxMessageBytes ?? .max else { return .disconnect(.messageTooBig) }
        guard !payload.isNestedTooDeep else { return .disconnect(.badRequest, reason: JSONDepth.problem) }
        return .publish(channel, payload, id: 0)
    }

    /// What became of a publish. The channel's others stay.
    func published(_ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        guard case .failure(let error) = result else { return .none }
        let what = error.outcome == .notPublished ? "refused" : "not confirmed"
        return .disconnect(.tryAgainLater, reason: "publish \(what): \(error)")
    }

    /// The subscription is in force.
    func subscribed(_ start: SubscriptionStart) -> SessionAction {
        start.isComplete ? .deliver(start) : .disconnect(.insufficientState)
    }

    /// A backend changes when it expires and what others see of it.
    mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) {
        grants.refresh(expiresAt: expiresAt, info: info, now: now)
    }

    /// The user's id; empty: none.
    public var user: ExactText { grants.user }

    /// When its token expires, seconds since 1970; `nil`: never.
    public var expiresAt: Int64? { grants.identity?.expiry?.at }

    /// The same for a client that nobody knows.
    public var unnamed: RawSession {
        var session = self
        session.clientID = nil
        return session
    }

    /// What others see of it; `nil`: nobody sees it.
    var info: ClientInfo? { clientID.map { ClientInfo(client: ExactText($0), identity: grants.identity) } }
}
