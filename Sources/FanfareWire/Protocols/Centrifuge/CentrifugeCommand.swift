import NIOCore

/// One command of a client (Centrifuge client protocol, `client.proto`: Command).
public struct CentrifugeCommand: Sendable, Equatable {
    /// What is asked for; fields that this node has no use for are not kept.
    public enum Method: Sendable, Equatable {
        /// The answer to a ping: a command without anything.
        case pong
        /// Begins the session.
        case connect(token: String?)
        case subscribe(channel: String)
        case unsubscribe(channel: String)
        /// The data is the client's own JSON, byte for byte.
        case publish(channel: String, data: ByteBuffer)
        case presence(channel: String)
        case presenceStats(channel: String)
        case history(channel: String)
        /// A message to the node without an answer.
        case send
        case rpc
        case refresh
        case subRefresh
        /// A ping by the client.
        case ping
    }

    /// Names the reply; 0 where there is none (pong, send).
    public var id: UInt32
    public var method: Method

    public init(id: UInt32, method: Method) {
        self.id = id
        self.method = method
    }
}
