import FanfareWire
import NIOCore

/// The only handler of a connection of its own, but for TLS: what an HTTP connection was until its last request was answered.
/// Transports inherit from it what all of them do: they hold a client for as long as there is a connection. Lives on its
/// client's event loop.
class TransportHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    final var client: Client?
    /// Its place in the pipeline; `nil` before and after.
    final private(set) var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    final func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    /// Here, so that those that are read can.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func channelReadComplete(context: ChannelHandlerContext) { client?.loop.flush() }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    final func errorCaught(context: ChannelHandlerContext, error: any Error) { client?.lost(.abnormal) }

    /// The request is answered, and the connection is this transport's.
    final func begin() {
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
        context.write(wrapOutboundOut(part), promise: promise)
    }

    final func flush() { context?.flush() }

    func setReading(_ isReading: Bool) {
        guard let context else { return }
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
        if isReading { context.read() }
    }

    func closeOutput() { context?.close(mode: .output, promise: nil) }

    func close() { context?.close(promise: nil) }
}

/// One whose client only hears. What it sends behind its request is not read while the answer goes on: the end of the
/// connection is heard without.
class ListenerHandler: TransportHandler {
    /// Bytes that were thrown away since the answer ended.
    private var ignoredBytes = 0

    final override func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let client else { return }
        guard !client.isOpen else { return setReading(false) }
        ignoredBytes += unwrapInboundIn(data).readableBytes
        // Not for as long as it likes to send.
        if ignoredBytes > client.limits.maxMessageBytes { client.close() }
    }

    final override func closeOutput() {
        // What it sent and nobody read would turn the end into a reset, which eats the farewell.
        setReading(true)
        super.closeOutput()
    }
}
