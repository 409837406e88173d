import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// `/connection/uni_websocket`: an upgrade for a client that says once who it is, in its first message or in the address, and then
/// only hears.
struct UnidirectionalWebSocketEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
        guard let first = ConnectQuery.value(exchange.path) else {
            return exchange.refuse(
                .badRequest, .badRequest, "the connect request in the address is not percent-encoded UTF-8")
        }
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: []) else { return }
        var session = CentrifugeSession(loop.node.centrifuge, clientID: loop.makeClientID(), link: .unidirectional)
        session.requestToken = exchange.token
        upgrade.admit(
            .centrifuge(session), upgrade.isDeflated ? .unidirectionalWebSocketDeflate : .unidirectionalWebSocket,
            first: first.readableBytes > 0 ? Payload(kind: .text, bytes: first) : nil)
    }
}
