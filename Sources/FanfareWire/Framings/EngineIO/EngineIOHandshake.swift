import NIOCore

/// The data of the packet `open`: what the session is and how its client has to behave. These keys and no others, as clients and the
/// protocol's suite expect them.
public struct EngineIOHandshake: Sendable, Equatable {
    /// What each request of the session shows.
    public var sid: String
    /// Whether the client may move to a WebSocket; not where it is on one.
    public var mayUpgrade: Bool
    /// Milliseconds from a client's last pong to the next ping.
    public var pingInterval: Int
    /// Milliseconds from a ping to the client's pong, and how much longer than the interval the client waits for a ping.
    public var pingTimeout: Int
    /// Most bytes of a POST, and of a message: a client that polls puts as many packets into one POST.
    public var maxPayload: Int

    public init(sid: String, mayUpgrade: Bool, pingInterval: Int, pingTimeout: Int, maxPayload: Int) {
        self.sid = sid
        self.mayUpgrade = mayUpgrade
        self.pingInterval = pingInterval
        self.pingTimeout = pingTimeout
        self.maxPayload = maxPayload
    }

    /// JSON.
    public var data: ByteBuffer {
        var data = ByteBuffer(string: "{\"sid\":")
        JSONWriter.writeString(sid, into: &data)
        data.writeString(",\"upgrades\":[\(mayUpgrade ? "\"websocket\"" : "")],\"pingInterval\":\(pingInterval)")
        data.writeString(",\"pingTimeout\":\(pingTimeout),\"maxPayload\":\(maxPayload)}")
        return data
    }
}

/// Why a request is refused, with the numbers and words that clients of Engine.IO know.
public enum EngineIOError: Int, Error, Sendable, CaseIterable {
    case unknownTransport = 0
    /// No such session, or not any more.
    case unknownSession = 1
    /// A session begins with GET.
    case badHandshakeMethod = 2
    /// The session is on another transport, the body is none, or what the session does not expect now.
    case badRequest = 3
    case forbidden = 4
    /// Not 4: a client of Socket.IO 2 or older.
    case unsupportedVersion = 5

    public var message: String {
        switch self {
        case .unknownTransport: "Transport unknown"
        case .unknownSession: "Session ID unknown"
        case .badHandshakeMethod: "Bad handshake method"
        case .badRequest: "Bad request"
        case .forbidden: "Forbidden"
        case .unsupportedVersion: "Unsupported protocol version"
        }
    }

    /// Of the answer.
    public var status: Int { self == .forbidden ? 403 : 400 }

    /// The answer's body.
    public var json: ByteBuffer { ByteBuffer(string: "{\"code\":\(rawValue),\"message\":\"\(message)\"}") }
}
