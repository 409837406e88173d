import FanfareProtocols
import FanfareWire
import NIOCore

/// `/connection/websocket`: an upgrade to the Centrifuge client protocol, whose client says later who it is.
struct CentrifugeWebSocketEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: ["centrifuge-json"]) else { return }
        var session = CentrifugeSession(loop.node.centrifuge, clientID: loop.makeClientID())
        session.requestToken = exchange.token
        upgrade.admit(
            .centrifuge(session), upgrade.isDeflated ? .centrifugeJSONWebSocketDeflate : .centrifugeJSONWebSocket)
    }
}
