import FanfareProtocols
import NIOCore

/// Every message back to its sender: what conformance suites drive.
struct EchoEndpoint: Endpoint {
    var isForAllPages: Bool { true }

    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        WebSocketUpgrade(exchange, subprotocols: [], compressesEverything: true)?.admit(.echo, .rawWebSocket)
    }
}
