import HTTPTypes
import NIOCore

/// A transport with a connection of its own.
protocol ConnectionTransport: TransportHandler, ClientTransport {}

extension ClientRequest {
    /// A client whose transport has the connection behind the head of the answer.
    ///
    /// - Parameters:
    ///   - head: of the answer.
    ///   - prelude: what stands between the head and everything else.
    ///   - goesOnIncomplete: whether a client whose past can't be had goes on without it, as the prelude tells it.
    init(
        _ exchange: Exchange, on transport: any ConnectionTransport, goesOnIncomplete: Bool = false,
        prelude: @escaping (Subscription?) -> ByteBuffer? = { _ in nil },
        head: @escaping (Subscription?) -> HTTPResponse
    ) {
        self.init(exchange: exchange, transport: transport) { client, subscription in
            guard exchange.handOver(head(subscription), to: transport) else { return client.finish() }
            transport.begin()
            if let prelude = prelude(subscription) { client.reply(prelude) }
            guard var subscription else { return }
            if goesOnIncomplete { subscription.start.isComplete = true }
            client.begin(subscription.channel, subscription.start)
        }
    }
}
