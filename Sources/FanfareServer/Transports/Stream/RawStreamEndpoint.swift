import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// `/channels/{channel}/sse` and `/stream`: the publications of a channel, and of those that the query adds, as an answer without
/// end, for readers that have nothing but HTTP.
struct RawStreamEndpoint: Endpoint {
    let channel: ChannelName
    let messages: StreamForm.Messages

    func body(of exchange: Exchange) -> BodyUse? { .ignored }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        guard messages != .events || !exchange.isBackAfterEnd else { return exchange.answerEnded() }
        guard let rules = exchange.rules(channel) else { return }
        let start: (wish: RecoveryRequest, isLost: Bool)
        do {
            let names = try StreamChannels.names(channel, exchange.path, exchange.limits)
            guard names.count == 1 else { return try respond(to: exchange, names) }
            start = try self.start(exchange, rules)
        } catch {
            return exchange.refuse(.badRequest, .badRequest, "\(error)")
        }
        // A token costs as much to check as one of an upgrade.
        guard exchange.mayTry() else { return }
        exchange.rawSession(channel, rules, sends: false) { session in begin(exchange, session, start) }
    }

    /// Where the reader was. `Last-Event-ID` counts before the address, which is the same however often a browser comes back.
    /// Any answer but 200 would end its stream for good: who comes back with what is no position of ours begins anew, and is
    /// told.
    private func start(
        _ exchange: Exchange, _ rules: ChannelRules
    ) throws(RecoveryQuery.Problem) -> (wish: RecoveryRequest, isLost: Bool) {
        let wish = try RecoveryQuery.wish(exchange.path, rules)
        let last: StreamPosition?
        do {
            last = try LastEventID.position(exchange.request.headerFields[values: .lastEventID])
        } catch {
            return (rules.recovery == .cache ? .last(1) : .none, true)
        }
        guard let last else { return (wish, false) }
        return rules.history == nil ? (.none, true) : (.since(last), false)
    }

    /// Several channels.
    private func respond(to exchange: Exchange, _ names: [ChannelName]) throws(StreamChannels.Problem) {
        var channels: [ChannelsOpening.Channel] = []
        for name in names {
            guard let rules = exchange.rules(name) else { return }
            channels.append((name, rules))
        }
        let start = try StreamChannels.wishes(
            channels, exchange.path, lastEventID: exchange.request.headerFields[values: .lastEventID])
        if messages == .events {
            try StreamChannels.checkIDs(channels, isBack: exchange.request.headerFields[.lastEventID] != nil)
        }
        guard exchange.mayTry() else { return }
        exchange.rawSession(channels, sends: false) { session in
            ChannelsOpening(exchange, form(of: exchange), channels, start).begin(session)
        }
    }

    private func form(of exchange: Exchange) -> StreamForm {
        StreamForm(messages: messages, delimiting: exchange.isUpgradable ? .chunked : .bare)
    }

    private func begin(_ exchange: Exchange, _ session: RawSession, _ start: (wish: RecoveryRequest, isLost: Bool)) {
        let form = form(of: exchange)
        ClientRequest(
            exchange, on: StreamTransport(form), goesOnIncomplete: true,
            prelude: { subscription in
                let isComplete = subscription?.start.isComplete != false && !start.isLost
                return form.opening(
                    at: subscription?.start.origin, isComplete: isComplete,
                    retry: exchange.loop.node.reconnectMilliseconds)
            },
            head: { form.head(position: $0?.start.origin) }
        ).begin(.raw(session), form.wireFormat, in: channel, start.wish)
    }
}
