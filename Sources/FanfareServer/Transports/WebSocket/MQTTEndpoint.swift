import FanfareProtocols
import FanfareWire
import NIOCore

/// `/mqtt`: an upgrade to MQTT, whose client says later who it is and which version it speaks.
struct MQTTEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
        // Devices inflate nothing, and nobody knows yet which of the two versions a publication is for.
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: ["mqtt"], compresses: false) else { return }
        // MQTT 5.0 section 6: a client must offer it, and a server must choose it.
        guard upgrade.subprotocol != nil else {
            return exchange.refuse(.badRequest, .badRequest, "offer the subprotocol mqtt in Sec-WebSocket-Protocol")
        }
        let session = MQTTSession(
            loop.node.mqtt, clientID: loop.makeClientID().description, requestToken: exchange.token)
        upgrade.admit(.mqtt(Boxed(session)), .mqtt(.v5))
    }
}
