import FanfareProtocols
import FanfareWire
import NIOCore

/// `/graphql`: an upgrade to GraphQL in one of its two subprotocols, whose client says later who it is.
struct GraphQLEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
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
}
