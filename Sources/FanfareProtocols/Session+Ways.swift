import FanfareWire

/// What a session can do only where its client can answer.
extension Session {
    /// Whether the client can bring a new token before its old one ends it.
    var mayRefresh: Bool {
        switch self {
        case .centrifuge(let session): !session.isUnidirectional
        case .raw, .echo: false
        }
    }

    /// Whether the client answers ``ping``.
    public var answersPing: Bool { mayRefresh }

    /// The client's last message, which says why the node ends it, where its transport has no words of its own for that; `nil`:
    /// the protocol has none either.
    public func farewell(_ disconnect: Disconnect, reason: String) -> Body? {
        guard case .centrifuge(let session) = self else { return nil }
        return session.push(CentrifugeJSONEncoder.disconnectPush(code: disconnect.code, reason: reason))
    }
}
