import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// `/channels/{channel}/poll`: what came after a position, as soon as there is something (long polling), for readers that can
/// have no stream. Each answer says where the next poll begins.
struct PollEndpoint: Endpoint {
    let channel: ChannelName

    func body(of exchange: Exchange) -> BodyUse? { .ignored }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        guard let rules = exchange.rules(channel) else { return }
        let (wish, wait): (RecoveryWish, Duration)
        do {
            wait = try PollQuery.wait(exchange.path)
            wish = try RecoveryQuery.wish(exchange.path, rules)
        } catch {
            return exchange.refuse(.badRequest, .badRequest, "\(error)")
        }
        // A token costs as much to check as one of an upgrade.
        guard exchange.mayTry() else { return }
        exchange.rawSession(channel, rules, sends: false) { session in begin(exchange, session, wish, wait) }
    }

    private func begin(_ exchange: Exchange, _ session: RawSession, _ wish: RecoveryWish, _ wait: Duration) {
        let form = StreamForm(messages: .lines, delimiting: exchange.isUpgradable ? .chunked : .bare)
        let transport = PollTransport(exchange, form, channel)
        ClientRequest(exchange: exchange, transport: transport) { client, subscription in
            exchange.holdOpen()
            exchange.onGone = { client.finish() }
            client.begin(on: nil)
            guard var subscription else { return }
            if !subscription.start.isComplete {
                subscription.start.isComplete = true
                let reset = form.opening(
                    at: subscription.start.origin, isComplete: false, retry: exchange.loop.node.reconnectMilliseconds)
                if let reset { client.reply(reset) }
            }
            client.begin(subscription.channel, subscription.start)
            transport.wait(wait, from: subscription.start.position)
        }.begin(.raw(session), form.wireFormat, in: channel, wish)
    }
}
