import FanfareProtocols
import FanfareWire
import NIOCore

/// `/graphql`: an upgrade to GraphQL in one of its two subprotocols, whose client says later who it is. With `--dev` only, until
/// what introspection and many selections cost neighbours is bounded (D234).
struct GraphQLEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
        guard Self.isOpen(exchange) else { return }
        // What an operation has for itself stands within its messages, so they are not compressed once for all.
        guard
            let upgrade = WebSocketUpgrade(
                exchange, subprotocols: GraphQLSubprotocol.allCases.map(\.rawValue), compresses: false)
        else { return }
        let subprotocol = upgrade.subprotocol.flatMap { GraphQLSubprotocol(rawValue: $0.string) }
        let session = GraphQLSession(
            loop.node.graphQL, clientID: loop.makeClientID().description, subprotocol: subprotocol,
            requestToken: exchange.token)
        // Who offers none of them is told so behind the upgrade, with 4406: the protocol wants it there.
        upgrade.admit(
            .graphQL(Boxed(session)), .graphQL, first: subprotocol == nil ? Payload(text: "") : nil)
    }

    /// Whether the node serves GraphQL; where not, the request is refused.
    static func isOpen(_ exchange: Exchange) -> Bool {
        guard !exchange.loop.node.configuration.dev else { return true }
        exchange.refuse(.notFound, .notFound, "GraphQL is for trying out yet: it is there with --dev")
        return false
    }
}
