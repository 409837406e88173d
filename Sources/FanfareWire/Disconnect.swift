/// Every way in which a node ends a client, in one table: WebSocket close code, reason, and whether to come back.
///
/// Ranges tell a client what to do: 3000–3499 and 4000–4499 reconnect, 3500–3999 and 4500–4999 don't (the Centrifuge
/// client protocol's rule). Codes below 3000 are RFC 6455 §7.4.1 and the IANA registry; for them see ``reconnect``.
public enum Disconnect: UInt16, Sendable, CaseIterable, Error {
    /// The client closed normally, or we answer its close.
    case normal = 1000
    /// Bytes that RFC 6455 forbids.
    case protocolError = 1002
    /// A message type this endpoint does not take.
    case unsupportedData = 1003
    /// The peer vanished without a close frame. Never sent (RFC 6455 §7.4.1), only counted.
    case abnormal = 1006
    /// Text that is not UTF-8.
    case invalidPayload = 1007
    /// Valid bytes that wear a node out: more fragments or control frames than the limits allow.
    case policyViolation = 1008
    /// A message above the size limit.
    case messageTooBig = 1009
    /// The node failed in a way that was not foreseen.
    case internalError = 1011
    /// The node drains: come back at once, to another node.
    case serviceRestart = 1012
    /// Redis is away and this client cannot be served without it, or its user has too many clients.
    case tryAgainLater = 1013
    /// The client's token has expired and was not refreshed in time: come back with a new one.
    case expired = 3005
    /// The client does not take its bytes as fast as they come: its outbound queue is full.
    case slow = 3008
    /// A write to the socket failed.
    case writeError = 3009
    /// Publications are missing that the history does not hold any more, or the position that a raw client came with is
    /// unknown: it has to begin anew.
    case insufficientState = 3010
    /// No sign of life within the pong timeout after a ping.
    case noPong = 3012
    /// A message or frame was begun and not completed in time.
    case messageTimeout = 3100
    /// A token that is not to be believed, where the client must not simply come back with it.
    case invalidToken = 3500
    /// A command or message the protocol does not allow here.
    case badRequest = 3501
    /// No first command within its deadline.
    case stale = 3502
    /// The client may not do that.
    case permissionDenied = 3507

    /// The close code, as sent.
    public var code: UInt16 { rawValue }

    /// The close reason, as sent: short, for a person who reads a log.
    public var reason: String {
        switch self {
        case .normal: "bye"
        case .protocolError: "protocol error"
        case .unsupportedData: "unsupported data"
        case .abnormal: "connection lost"
        case .invalidPayload: "text is not UTF-8"
        case .policyViolation: "policy violation"
        case .messageTooBig: "message too big"
        case .internalError: "internal error"
        case .serviceRestart: "node is restarting, reconnect"
        case .tryAgainLater: "try again later"
        case .expired: "connection expired"
        case .slow: "slow consumer"
        case .writeError: "write error"
        case .insufficientState: "insufficient state, begin anew"
        case .noPong: "no pong"
        case .messageTimeout: "message not complete in time"
        case .invalidToken: "invalid token"
        case .badRequest: "bad request"
        case .stale: "no command in time"
        case .permissionDenied: "permission denied"
        }
    }

    /// Whether a client should come back by itself.
    public var reconnect: Bool {
        switch self {
        case .abnormal, .internalError, .serviceRestart, .tryAgainLater, .expired, .slow, .writeError,
            .insufficientState, .noPong, .messageTimeout:
            true
        case .normal, .protocolError, .unsupportedData, .invalidPayload, .policyViolation, .messageTooBig,
            .invalidToken, .badRequest, .stale, .permissionDenied:
            false
        }
    }
}
