import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// From a request to a client: its places, the subscription that the request names, the answer. Then the connection is its
/// transport's.
struct ClientRequest {
    let exchange: Exchange
    let transport: any ConnectionTransport
    /// The head of the answer, and what of the subscription is still to be delivered.
    let answer: (SubscriptionStart?) -> HTTPResponse
    /// What stands between the head and everything else.
    var prelude: (SubscriptionStart?) -> ByteBuffer? = { _ in nil }
    /// Whether a client whose past can't be had goes on without it, and is told in the prelude.
    var goesOnIncomplete = false

    /// Begins the client, or says why there is none.
    ///
    /// - Parameters:
    ///   - format: how publications read to it.
    ///   - channel: a channel to which it is subscribed before the answer, so that "open" means "subscribed".
    ///   - wish: where that subscription begins.
    func begin(
        _ session: @autoclosure () -> Session, _ format: WireFormat, in channel: ChannelName? = nil,
        _ wish: RecoveryWish = .none
    ) {
        let loop = exchange.loop
        let client = exchange.admit {
            Client(loop: loop, session: session(), transport: transport, wireFormat: format)
        }
        guard let client else { return }
        transport.client = client
        guard let channel else { return complete(client, nil) }
        guard wish == .none || client.mayRecover else { return refuseRecovery(client) }
        exchange.onGone = { client.finish() }
        client.onSubscribed = { result in subscribed(client, channel, result) }
        loop.settle()
        loop.shard.subscribe(client, to: channel, request: 0, wish: wish)
    }

    private func subscribed(
        _ client: Client, _ channel: ChannelName, _ result: Result<SubscriptionStart, BrokerError>
    ) {
        switch result {
        case .success(let start):
            guard client.takeRecovery(start.size) else { return refuseRecovery(client) }
            complete(client, (channel, start))
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

    /// Writes the head and hands the connection over.
    private func complete(_ client: Client, _ subscription: (channel: ChannelName, start: SubscriptionStart)?) {
        exchange.onGone = nil
        let (transport, start) = (transport, subscription?.start)
        guard exchange.handOver(answer(start), to: transport) else { return client.finish() }
        transport.begin()
        if let prelude = prelude(start) { client.reply(prelude) }
        guard var subscription else { return }
        if goesOnIncomplete { subscription.start.isComplete = true }
        client.begin(subscription.channel, subscription.start)
    }
}
