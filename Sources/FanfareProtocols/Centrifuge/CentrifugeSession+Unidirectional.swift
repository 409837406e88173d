import FanfareWire
import NIOCore

/// Clients that only hear. What they say first is the content of a `connect` command; its reply, and everything else, is a push.
/// They have no commands, so no errors: what would be one ends them.
extension CentrifugeSession {
    /// Whether the client only hears.
    public var isUnidirectional: Bool { link.map { $0.session == nil } ?? false }

    /// Whether such a client's first message brought a token, which then counts before that of its request.
    var hasOwnToken: Bool { link === CentrifugeLink.unidirectionalWithToken }

    /// What such a client is told whose first message can't be read.
    static let noConnect = "the first message must be a connect request, a JSON object"

    /// The id of the command that the first message of such a client is.
    static let connectID: UInt32 = 1

    /// Whether its first message has come: it may send others, and nobody heeds them.
    var hasBegunToConnect: Bool { isConnected || isConnecting || !queue.isEmpty || !asking.isEmpty }

    /// The command that its first message is; `nil` for one that is not JSON, and for all others.
    func connectCommand(_ request: ByteBuffer) -> ByteBuffer? {
        guard !hasBegunToConnect else { return nil }
        guard request.readableBytes > 0 else { return ByteBuffer(string: "{\"id\":\(Self.connectID),\"connect\":{}}") }
        // Checked as one value, so that nothing in it reads as more of the command.
        guard let line = JSONLine(request) else { return nil }
        var command = ByteBuffer(string: "{\"id\":\(Self.connectID),\"connect\":")
        command.writeImmutableBuffer(line.bytes)
        command.writeStaticString("}")
        return command
    }

    /// A push as this client hears it.
    func push(_ body: Body) -> Body { isUnidirectional ? CentrifugeJSONEncoder.bare(body) : body }
}

extension CentrifugeError {
    /// How a client ends that can't be told of an error.
    var disconnect: Disconnect {
        switch code {
        case _ where temporary: .tryAgainLater
        case Self.tokenExpired.code: .expired
        case Self.unauthorized.code: .invalidToken
        case Self.permissionDenied.code: .permissionDenied
        default: .badRequest
        }
    }
}
