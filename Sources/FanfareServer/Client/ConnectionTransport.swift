import NIOCore

/// A transport that is the only handler of a connection of its own, but for TLS: what an HTTP connection was until its last
/// request was answered.
protocol ConnectionTransport: ClientTransport, ChannelHandler {
    /// Its place in the pipeline; `nil` before and after.
    var context: ChannelHandlerContext? { get }
    /// The client that it carries; `nil` when it has ended.
    var client: Client? { get set }
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
