import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// The opening handshake: from a request to a client.
struct WebSocketUpgrade {
    let exchange: Exchange
    private let acceptance: OpeningHandshake.Acceptance
    private let compressesEverything: Bool

    /// Whether the client takes publications that were compressed once for all.
    var isDeflated: Bool { acceptance.deflate?.takesSharedFrames == true }

    /// Checks what costs the node nothing: the handshake, and how often the address has tried. Before any token is looked at.
    ///
    /// - Parameters:
    ///   - subprotocols: those that the endpoint speaks.
    ///   - compressesEverything: whether also those messages are compressed that are for one client only.
    /// - Returns: `nil`: the request was refused.
    init?(_ exchange: Exchange, subprotocols: [String], compressesEverything: Bool = false) {
        let handshake = OpeningHandshake.check(
            method: exchange.request.method.rawValue,
            majorVersion: 1,
            minorVersion: exchange.isUpgradable ? 1 : 0,
            headers: exchange.request.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) },
            subprotocols: subprotocols,
            deflate: exchange.loop.node.configuration.compression.policy
        )
        switch handshake {
        case .failure(let refusal):
            var fields = HTTPFields()
            for (name, value) in refusal.headers {
                if let name = HTTPField.Name(name) { fields[name] = value }
            }
            exchange.refuse(
                .badRequest, HTTPResponse.Status(code: refusal.status), refusal.message, fields: fields)
            return nil
        case .success(let acceptance):
            guard exchange.mayTry() else { return nil }
            self.exchange = exchange
            self.acceptance = acceptance
            self.compressesEverything = compressesEverything
        }
    }

    /// Takes a place for a client and begins it, or says why there is none.
    ///
    /// - Parameters:
    ///   - format: how publications read to it.
    ///   - channel: a channel to which it is subscribed before its 101, so that "open" means "subscribed".
    ///   - wish: where that subscription begins.
    func admit(
        _ session: @autoclosure () -> Session, _ format: WireFormat, in channel: ChannelName? = nil,
        _ wish: RecoveryWish = .none
    ) {
        let loop = exchange.loop
        let transport = WebSocketTransport(exchange.limits, agreement: acceptance.deflate, deflate: deflate)
        let client = exchange.admit {
            Client(loop: loop, session: session(), transport: transport, wireFormat: format)
        }
        guard let client else { return }
        transport.carry(client)
        guard let channel else { return complete(client, transport, nil) }
        guard wish == .none || client.mayRecover else { return refuseRecovery(client) }
        exchange.onGone = { client.finish() }
        client.onSubscribed = { result in subscribed(client, transport, channel, result) }
        loop.settle()
        loop.shard.subscribe(client, to: channel, request: 0, wish: wish)
    }

    private var deflate: WebSocketDeflateFraming? {
        guard compressesEverything, let bits = acceptance.deflate?.serverWindowBits else { return nil }
        let threshold = exchange.loop.node.configuration.compression.threshold
        return WebSocketDeflateFraming(threshold: threshold, windowBits: bits)
    }

    private func subscribed(
        _ client: Client, _ transport: WebSocketTransport, _ channel: ChannelName,
        _ result: Result<SubscriptionStart, BrokerError>
    ) {
        switch result {
        case .success(let start):
            guard client.takeRecovery(start.size) else { return refuseRecovery(client) }
            complete(client, transport, (channel, start))
        case .failure(let error):
            client.finish()
            exchange.refuse(.brokerUnavailable, .serviceUnavailable, "\(error)", retry: true)
        }
    }

    /// Refuses what would be one more big answer that waits for a client to take it.
    private func refuseRecovery(_ client: Client) {
        client.finish()
        exchange.refuse(
            .recoveries, .serviceUnavailable, "too many clients are still taking what they missed, try again",
            retry: true)
    }

    /// Writes the 101 and hands the connection over.
    private func complete(
        _ client: Client, _ transport: WebSocketTransport,
        _ subscription: (channel: ChannelName, start: SubscriptionStart)?
    ) {
        var fields: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketAccept: acceptance.acceptKey,
        ]
        fields[.secWebSocketProtocol] = acceptance.subprotocol
        fields[.secWebSocketExtensions] = acceptance.deflate?.answer
        // Where a program can see it: each message is one offset further.
        fields[.fanfarePosition] = subscription?.start.origin.map { "\($0)" }
        exchange.onGone = nil
        let response = HTTPResponse(status: .switchingProtocols, headerFields: fields)
        guard exchange.handOver(response, to: transport) else { return client.finish() }
        transport.begin()
        if let subscription { client.begin(subscription.channel, subscription.start) }
    }
}
