import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// The opening handshake: from a request to a client.
struct WebSocketUpgrade {
    let exchange: Exchange
    private let acceptance: OpeningHandshake.Acceptance

    /// Checks what costs the node nothing: the handshake, and how often the address has tried. Before any token is looked at.
    ///
    /// - Parameter subprotocols: those that the endpoint speaks.
    /// - Returns: `nil`: the request was refused.
    init?(_ exchange: Exchange, subprotocols: [String]) {
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
        }
    }

    /// Takes a place for a client and begins it, or says why there is none. A raw client is subscribed before its 101, so that
    /// "open" means "subscribed".
    ///
    /// - Parameter wish: where a raw client's subscription begins.
    func admit(_ wire: @autoclosure () -> ClientConnection.Wire, wish: RecoveryWish = .none) {
        let loop = exchange.loop
        let client = exchange.admit { ClientConnection(loop: loop, wire: wire(), deflate: acceptance.deflate) }
        guard let client else { return }
        guard let channel = client.raw?.channel else { return complete(client, SubscriptionStart()) }
        guard wish == .none || client.mayRecover else { return refuseRecovery(client) }
        exchange.onGone = { client.finish() }
        client.onSubscribed = { result in subscribed(client, result) }
        loop.settle()
        loop.shard.subscribe(client, to: channel, request: 0, wish: wish)
    }

    private func subscribed(_ client: ClientConnection, _ result: Result<SubscriptionStart, BrokerError>) {
        switch result {
        case .success(let start):
            guard client.takeRecovery(start.size) else { return refuseRecovery(client) }
            complete(client, start)
        case .failure(let error):
            client.finish()
            exchange.refuse(.brokerUnavailable, .serviceUnavailable, "\(error)", retry: true)
        }
    }

    /// Refuses what would be one more big answer that waits for a client to take it.
    private func refuseRecovery(_ client: ClientConnection) {
        client.finish()
        exchange.refuse(
            .recoveries, .serviceUnavailable, "too many clients are still taking what they missed, try again",
            retry: true)
    }

    /// Writes the 101 and hands the connection over.
    private func complete(_ client: ClientConnection, _ start: SubscriptionStart) {
        var fields: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketAccept: acceptance.acceptKey,
        ]
        fields[.secWebSocketProtocol] = acceptance.subprotocol
        fields[.secWebSocketExtensions] = acceptance.deflate?.answer
        // Where a program can see it: each message is one offset further.
        fields[.fanfarePosition] = start.origin.map { "\($0)" }
        exchange.onGone = nil
        let response = HTTPResponse(status: .switchingProtocols, headerFields: fields)
        guard exchange.handOver(response, to: client) else { return client.finish() }
        client.begin()
        client.begin(start)
    }
}
