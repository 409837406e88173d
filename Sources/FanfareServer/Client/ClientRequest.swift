import FanfareCore
import FanfareProtocols
import FanfareWire

/// From a request to a client: its places, and the subscription that the request names. Then the request is answered.
struct ClientRequest {
    /// A subscription that is in force before the answer.
    struct Subscription {
        let channel: ChannelName
        var start: SubscriptionStart
    }

    let exchange: Exchange
    let transport: any ClientTransport
    /// Answers the request and begins the client.
    let answer: (Client, Subscription?) -> Void

    /// Makes the client, or says why there is none.
    ///
    /// - Parameters:
    ///   - format: how publications read to it.
    ///   - channel: a channel to which it is subscribed before the answer, so that "open" means "subscribed".
    ///   - wish: where that subscription begins.
    func begin(
        _ session: @autoclosure () -> Session, _ format: WireFormat, in channel: ChannelName? = nil,
        _ wish: RecoveryRequest = .none
    ) {
        let loop = exchange.loop
        let client = exchange.admit {
            Client(loop: loop, session: session(), transport: transport, wireFormat: format)
        }
        guard let client else { return }
        transport.client = client
        guard let channel else { return answer(client, nil) }
        guard wish == .none || client.mayRecover else { return refuseRecovery(client) }
        exchange.onGone = { client.finish() }
        client.opening = ClientOpening { result in
            client.opening = nil
            subscribed(client, channel, result)
        }
        loop.flushHub()
        loop.shard.subscribe(client, to: channel, request: 0, wish: wish)
    }

    private func subscribed(
        _ client: Client, _ channel: ChannelName, _ result: Result<SubscriptionStart, BrokerError>
    ) {
        switch result {
        case .success(let start):
            guard client.takeRecovery(start.weight, of: start) else { return refuseRecovery(client) }
            exchange.onGone = nil
            answer(client, Subscription(channel: channel, start: start))
        case .failure(let error):
            client.finish()
            exchange.refuse(.brokerUnavailable, .serviceUnavailable, "\(error)", retry: true)
        }
    }

    /// Refuses what would be one more big answer that waits for a client to take it.
    private func refuseRecovery(_ client: Client) {
        client.finish()
        exchange.refuse(.recoveries, .serviceUnavailable, Self.tooManyRecoveries, retry: true)
    }

    static let tooManyRecoveries = "too many clients are still taking what they missed, try again"
}
