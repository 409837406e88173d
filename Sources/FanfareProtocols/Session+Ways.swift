import FanfareWire

/// What a session can do only where its client can answer.
extension Session {
    /// Whether the client can bring a new token before its old one ends it.
    var mayRefresh: Bool {
        switch self {
        case .centrifuge(let session): !session.isUnidirectional
        // It comes back with a new one, which costs it nothing.
        case .raw, .socketIO, .stomp, .mqtt, .graphQL, .echo: false
        }
    }

    /// Whether the client answers ``ping``.
    public var answersPing: Bool { mayRefresh }

    /// The client's last message, which says why the node ends it, where its transport has no words of its own for that; `nil`:
    /// the protocol has none either.
    public func farewell(_ disconnect: Disconnect, reason: String) -> Body? {
        guard case .centrifuge(let session) = self else { return nil }
        return session.push(session.encoder.disconnectPush(code: disconnect.code, reason: reason))
    }

    /// Bytes that it keeps until the client says that they may go: messages without an ACK, transactions without a COMMIT, more
    /// selections than most clients have.
    public var keptBytes: Int {
        switch self {
        case .stomp(let session): session.value.keptBytes
        case .graphQL(let session): max(0, session.value.keptBytes - GraphQLBounds.freeBytes)
        case .raw, .centrifuge, .socketIO, .mqtt, .echo: 0
        }
    }

    /// The client's session is over: nobody will say that of what it keeps.
    public mutating func forgetKept() {
        stomp(or: ()) { $0.forgetKept() }
        graphQL(or: ()) { $0.keptBytes = 0 }
    }

    /// Whether its client goes when it has taken all that waits for it.
    public var isOver: Bool { if case .graphQL(let session) = self { session.value.isOver } else { false } }

    /// How the protocol says an end that the node decides on: some have codes of their own.
    public func end(_ disconnect: Disconnect) -> Disconnect {
        if case .graphQL(let session) = self { session.value.end(disconnect) } else { disconnect }
    }

    /// As ``farewell(_:reason:)`` of a protocol that says it in several messages.
    public func farewells(_ disconnect: Disconnect) -> [Body] {
        switch self {
        case .socketIO(let session): session.value.farewells(disconnect)
        case .stomp(let session): session.value.farewells(disconnect)
        case .mqtt(let session): session.value.farewells(disconnect)
        case .raw, .centrifuge, .graphQL, .echo: []
        }
    }
}
