import FanfareWire

/// The protocol's error codes, as SDKs know them; `temporary` tells them to try again by themselves.
public struct CentrifugeError: Error, Sendable, Equatable {
    public var code: UInt32
    /// For a person.
    public var message: String
    public var temporary: Bool
    /// Milliseconds after which trying again makes sense; SDKs pass over it, for it is no member of the protocol.
    public var retryAfter: UInt64?

    public init(code: UInt32, message: String, temporary: Bool = false, retryAfter: UInt64? = nil) {
        self.code = code
        self.message = message
        self.temporary = temporary
        self.retryAfter = retryAfter
    }

    /// The node failed; trying again may help.
    public static func internalError(_ message: String = "internal server error") -> CentrifugeError {
        CentrifugeError(code: 100, message: message, temporary: true)
    }

    /// The client is nobody that may connect.
    public static let unauthorized = CentrifugeError(code: 101, message: "unauthorized")
    /// The channel's namespace is not known here.
    public static func unknownChannel(_ message: String) -> CentrifugeError {
        CentrifugeError(code: 102, message: message)
    }

    /// The client asks more often than it may.
    public static func tooManyRequests(retryAfter: UInt64) -> CentrifugeError {
        CentrifugeError(code: 111, message: "too many requests", temporary: true, retryAfter: retryAfter)
    }

    /// The position is of another life of the stream.
    public static let unrecoverablePosition = CentrifugeError(code: 112, message: "unrecoverable position")

    /// The token has expired: SDKs get a new one and try again.
    public static let tokenExpired = CentrifugeError(code: 109, message: "token expired")
    /// The client may not do that.
    public static let permissionDenied = CentrifugeError(code: 103, message: "permission denied")
    /// The client is in that channel, or asked for it already.
    public static let alreadySubscribed = CentrifugeError(code: 105, message: "already subscribed")

    /// A limit of this client is reached.
    public static func limitExceeded(_ message: String) -> CentrifugeError {
        CentrifugeError(code: 106, message: message)
    }

    /// A command with content that can't be right.
    public static func badRequest(_ message: String) -> CentrifugeError {
        CentrifugeError(code: 107, message: message)
    }

    /// The feature is not there, or not for this channel.
    public static func notAvailable(_ message: String) -> CentrifugeError {
        CentrifugeError(code: 108, message: message)
    }
}
