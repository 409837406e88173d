/// Every way in which a node ends a client, in one table: WebSocket close code, reason, and whether to come back. An application
/// adds codes of its own between 4000 and 4999.
///
/// Ranges tell a client what to do: 3000–3499 and 4000–4499 reconnect, 3500–3999 and 4500–4999 don't (the Centrifuge
/// client protocol's rule). Codes below 3000 are RFC 6455 §7.4.1 and the IANA registry; for them, and for protocols that have no
/// close code, see ``advice``.
public enum Disconnect: Sendable, Hashable, Error {
    /// The client closed normally, or we answer its close.
    case normal
    /// Bytes that RFC 6455 forbids.
    case protocolError
    /// A message type this endpoint does not take.
    case unsupportedData
    /// The peer vanished without a close frame. Never sent (RFC 6455 §7.4.1), only counted.
    case abnormal
    /// Text that is not UTF-8.
    case invalidPayload
    /// Valid bytes that wear a node out: more fragments or control frames than the limits allow.
    case policyViolation
    /// A message above the size limit.
    case messageTooBig
    /// The node failed in a way that was not foreseen.
    case internalError
    /// The node drains: come back at once, to another node.
    case serviceRestart
    /// Redis is away and this client cannot be served without it, or its user has too many clients.
    case tryAgainLater
    /// The client's token has expired and was not refreshed in time: come back with a new one.
    case expired
    /// The client does not take its bytes as fast as they come: its outbound queue is full.
    case slow
    /// A write to the socket failed.
    case writeError
    /// Publications are missing that the history does not hold any more, or the position that a raw client came with is
    /// unknown: it has to begin anew.
    case insufficientState
    /// A backend ended it, and wants it to come back.
    case forcedReconnect
    /// No sign of life within the pong timeout after a ping, or within the time that the client chose for its own pings.
    case noPong
    /// A message or frame was begun and not completed in time.
    case messageTimeout
    /// A token that is not to be believed, where the client must not simply come back with it.
    case invalidToken
    /// A command or message the protocol does not allow here.
    case badRequest
    /// No first command within its deadline.
    case stale
    /// A backend ended it.
    case forced
    /// The client may not do that.
    case permissionDenied
    /// A message that no reply could say is of no use here.
    case notAvailable
    /// Another client came with the name that this one chose for itself.
    case takenOver
    /// The application ended it, for a reason of its own.
    case application(ApplicationDisconnect)

    /// All but those of applications.
    public static let builtIn: [Disconnect] = [
        .normal, .protocolError, .unsupportedData, .abnormal, .invalidPayload, .policyViolation, .messageTooBig,
        .internalError, .serviceRestart, .tryAgainLater, .expired, .slow, .writeError, .insufficientState,
        .forcedReconnect, .noPong, .messageTimeout, .invalidToken, .badRequest, .stale, .forced, .permissionDenied,
        .notAvailable, .takenOver,
    ]

    /// What a client should do next.
    public enum Advice: Sendable, Hashable, CaseIterable {
        /// Come back by itself.
        case reconnect
        /// Stay away until its user or program does something about it.
        case doNotReconnect
        /// Stay away: it would be refused again with what it has.
        case terminal
    }

    /// The close code, as sent.
    public var code: UInt16 { row.code }

    /// The close reason, as sent: short, for a person who reads a log.
    public var reason: String { row.reason }

    /// Whether a client should come back.
    public var advice: Advice { row.advice }

    private var row: (code: UInt16, reason: String, advice: Advice) {
        switch self {
        case .normal: (1000, "bye", .doNotReconnect)
        case .protocolError: (1002, "protocol error", .doNotReconnect)
        case .unsupportedData: (1003, "unsupported data", .doNotReconnect)
        case .abnormal: (1006, "connection lost", .reconnect)
        case .invalidPayload: (1007, "text is not UTF-8", .doNotReconnect)
        case .policyViolation: (1008, "policy violation", .doNotReconnect)
        case .messageTooBig: (1009, "message too big", .doNotReconnect)
        case .internalError: (1011, "internal error", .reconnect)
        case .serviceRestart: (1012, "node is restarting, reconnect", .reconnect)
        case .tryAgainLater: (1013, "try again later", .reconnect)
        case .expired: (3005, "connection expired", .reconnect)
        case .slow: (3008, "slow consumer", .reconnect)
        case .writeError: (3009, "write error", .reconnect)
        case .insufficientState: (3010, "insufficient state, begin anew", .reconnect)
        case .forcedReconnect: (3011, "force reconnect", .reconnect)
        case .noPong: (3012, "no pong", .reconnect)
        case .messageTimeout: (3100, "message not complete in time", .reconnect)
        case .invalidToken: (3500, "invalid token", .terminal)
        case .badRequest: (3501, "bad request", .doNotReconnect)
        case .stale: (3502, "no command in time", .doNotReconnect)
        case .forced: (3503, "force disconnect", .doNotReconnect)
        case .permissionDenied: (3507, "permission denied", .terminal)
        case .notAvailable: (3508, "not available", .doNotReconnect)
        case .takenOver: (3510, "client identifier taken over", .doNotReconnect)
        case .application(let end): (end.code, end.reason, end.advice)
        }
    }
}

/// An application's own way to end a client.
public struct ApplicationDisconnect: Sendable, Hashable {
    /// RFC 6455 §7.4.2 leaves these to applications.
    public static let codes: ClosedRange<UInt16> = 4000...4999

    public let code: UInt16
    public let reason: String

    /// `nil`: the code is not among ``codes``, or the reason has more than ``maximumReasonBytes`` bytes of UTF-8.
    public init?(code: UInt16, reason: String) {
        guard Self.codes.contains(code), reason.utf8.count <= Self.maximumReasonBytes else { return nil }
        self.code = code
        self.reason = reason
    }

    /// By the ranges of the Centrifuge client protocol.
    var advice: Disconnect.Advice { code < 4500 ? .reconnect : .doNotReconnect }
}
