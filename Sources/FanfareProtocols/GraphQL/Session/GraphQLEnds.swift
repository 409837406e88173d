import FanfareWire

/// The protocol's own close codes (PROTOCOL.md). Its clients come back after any but 1002, 1007 to 1011, 4400, 4401, 4406, 4409, 4429 and a
/// few of their own.
extension Disconnect {
    /// 4400.
    static func badMessage(_ reason: String) -> Disconnect { graphQL(4400, reason) }
    static let unauthorized = graphQL(4401, "Unauthorized")
    /// 4403.
    static func forbidden(_ reason: String) -> Disconnect { graphQL(4403, reason) }
    static let notAcceptable = graphQL(4406, "Subprotocol not acceptable")
    static let notInitialised = graphQL(4408, "Connection initialisation timeout")
    /// 4409.
    static func alreadyExists(_ id: ExactText) -> Disconnect {
        graphQL(4409, "Subscriber for \(GraphQLError.quoted(id)) already exists")
    }
    static let tooManyRequests = graphQL(4429, "Too many initialisation requests")

    private static func graphQL(_ code: UInt16, _ reason: String) -> Disconnect {
        ApplicationDisconnect(code: code, reason: String(decoding: reason.utf8.prefix(100), as: UTF8.self))
            .map { .application($0) } ?? .badRequest
    }
}

extension GraphQLSession {
    /// How the protocol says an end that the node decides on. A client that is too slow, and one whose node drains, are told so in codes
    /// after which they come back.
    func end(_ disconnect: Disconnect) -> Disconnect {
        switch disconnect {
        case .stale: .notInitialised
        case .expired: .forbidden("token expired")
        default: disconnect
        }
    }
}
