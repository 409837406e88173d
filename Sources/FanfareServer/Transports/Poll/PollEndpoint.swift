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
        let (wish, query): (RecoveryRequest, PollQuery)
        do {
            query = try PollQuery(exchange.path)
            if query.cursor != nil, rules.history != nil {
                throw PollQuery.Problem(
                    description: "the channel keeps a history: poll on with since, not with a cursor")
            }
            wish = try RecoveryQuery.wish(exchange.path, rules)
        } catch {
            return exchange.refuse(.badRequest, .badRequest, "\(error)")
        }
        // A token costs as much to check as one of an upgrade.
        guard exchange.mayTry() else { return }
        exchange.rawSession(channel, rules, sends: false) { session in
            if let cursor = query.cursor {
                CursorPoll(exchange, form(of: exchange), channel, session, query.wait).begin(cursor)
            } else {
                begin(exchange, session, wish, query.wait)
            }
        }
    }

    private func form(of exchange: Exchange) -> StreamForm {
        StreamForm(messages: .lines, delimiting: exchange.isUpgradable ? .chunked : .bare)
    }

    private func begin(_ exchange: Exchange, _ session: RawSession, _ wish: RecoveryRequest, _ wait: Duration) {
        let form = form(of: exchange)
        let isPlain = wait == .zero && exchange.showsCuts
        let transport = PollTransport(exchange, form, channel)
        ClientRequest(exchange: exchange, transport: transport) { client, subscription in
            exchange.holdOpen()
            exchange.onGone = { transport.finish() }
            client.begin(on: nil)
            guard var subscription else { return }
            if isPlain, let tag = PollTag(subscription.start) {
                transport.fields = tagged(exchange, tag)
                // Only what was read says so: a history can lose publications where it stands.
                if tag.matches(exchange.request.headerFields[values: .ifNoneMatch]) {
                    return transport.answerNothing(at: subscription.start.position, .notModified)
                }
            }
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

    /// A cache may keep it and has to ask each time, so that tokens and permissions are looked at. Only the client's own cache
    /// where it came with a token.
    private func tagged(_ exchange: Exchange, _ tag: PollTag) -> HTTPFields {
        [.cacheControl: exchange.token == nil ? "no-cache" : "private, no-cache", .eTag: "\(tag)"]
    }
}
