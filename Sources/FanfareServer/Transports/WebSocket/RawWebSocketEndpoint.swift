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
        let wish: RecoveryWish
        do {
            wish = try RecoveryQuery.wish(exchange.path, rules)
        } catch {
            return exchange.refuse(.badRequest, .badRequest, "\(error)")
        }
        // Browsers that offer a token as a subprotocol want another one chosen.
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: ["fanfare-raw"]) else { return }
        exchange.authenticate { bearer in
            guard bearer.grants.mayConnect else { return exchange.refuseAnonymous("connect") }
            let isMember = bearer.channels.contains(channel.text)
            guard isMember || bearer.may(.subscribe, channel, rules.subscribe) else {
                return exchange.refuse(.forbidden, .forbidden, "this client may not subscribe to this channel")
            }
            let mayPublish = bearer.may(.publish, channel, rules.publish, isSubscribed: true)
            let session = RawSession(
                channel: channel, rules: rules, mayPublish: mayPublish, grants: bearer.grants,
                clientID: rules.keepsMembers ? exchange.loop.makeClientID() : nil)
            upgrade.admit(.raw(session), upgrade.isDeflated ? .rawWebSocketDeflate : .rawWebSocket, in: channel, wish)
        }
    }
}
