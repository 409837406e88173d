import FanfareProtocols
import FanfareWire
import NIOCore

/// `/stomp`: an upgrade to STOMP, whose client says later who it is.
struct STOMPEndpoint: Endpoint {
    /// The newest first: one of a client's offer is chosen.
    private static let subprotocols: [(name: String, version: STOMPVersion)] = [
        ("v12.stomp", .v12), ("v11.stomp", .v11), ("v10.stomp", .v10),
    ]

    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
        let subprotocol = Self.subprotocol(for: exchange)
        // What a subscription has for itself stands within its frames, so they are not compressed once for all.
        guard
            let upgrade = WebSocketUpgrade(
                exchange, subprotocols: [subprotocol?.name].compactMap(\.self), compresses: false)
        else { return }
        let version = subprotocol?.version ?? .v12
        let session = STOMPSession(
            loop.node.stomp, clientID: loop.makeClientID().description, subprotocol: version,
            requestToken: exchange.token)
        upgrade.admit(.stomp(Boxed(session)), .stomp(STOMPForm(version)))
    }

    /// The newest that a client offers. Its order does not count: most libraries offer all, and the newest of them is meant.
    static func subprotocol(for exchange: Exchange) -> (name: String, version: STOMPVersion)? {
        subprotocols.first { offers(exchange, $0.name) }
    }

    private static func offers(_ exchange: Exchange, _ name: String) -> Bool {
        exchange.request.headerFields[values: .secWebSocketProtocol].contains { list in
            list.split(separator: ",").contains { item in
                ExactText(Substring(item.drop { $0 == " " }.prefix { $0 != " " })) == ExactText(name)
            }
        }
    }
}
