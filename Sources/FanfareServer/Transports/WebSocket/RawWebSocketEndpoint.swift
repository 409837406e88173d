import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// `/channels/{channel}/ws`: an upgrade to the raw protocol on a channel.
struct RawWebSocketEndpoint: Endpoint {
    let channel: ChannelName

    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        guard let rules = exchange.rules(channel) else { return }
        let wish: RecoveryRequest
        do {
            wish = try RecoveryQuery.wish(exchange.path, rules)
        } catch {
            return exchange.refuse(.badRequest, .badRequest, "\(error)")
        }
        // Browsers that offer a token as a subprotocol want another one chosen.
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: ["fanfare-raw"]) else { return }
        exchange.rawSession(channel, rules, sends: true) { session in
            upgrade.admit(.raw(session), upgrade.isDeflated ? .rawWebSocketDeflate : .rawWebSocket, in: channel, wish)
        }
    }
}
