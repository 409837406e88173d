import HTTPTypes
import NIOCore

/// A transport that is the only handler of a connection of its own, but for TLS: what an HTTP connection was until its last
/// request was answered.
protocol ConnectionTransport: ClientTransport, ChannelHandler {
    /// Its place in the pipeline; `nil` before and after.
    var context: ChannelHandlerContext? { get }
}

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

extension ConnectionTransport {
    /// The request is answered, and the connection is this transport's.
    func begin() {
        guard let context else { return }
        client?.begin(on: context.channel)
    }

    /// The connection is gone.
    func finish() {
        client?.finish()
        client = nil
    }

    func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        context.write(NIOAny(part), promise: promise)
    }

    func flush() { context?.flush() }

    func setReading(_ isReading: Bool) {
        guard let context else { return }
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
        if isReading { context.read() }
    }

    func closeOutput() { context?.close(mode: .output, promise: nil) }

    func close() { context?.close(promise: nil) }
}
