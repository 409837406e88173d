import FanfareCore
import FanfareWire
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A client that hears the answer to its request, for as long as it takes: the only handler of its pipeline after the head,
/// but for TLS. What it sends now is nobody's. Lives on its client's event loop.
class StreamTransport: ChannelInboundHandler, ConnectionTransport {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var client: Client?
    private(set) var context: ChannelHandlerContext?
    let form: StreamForm

    init(_ form: StreamForm) { self.form = form }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        boundSilence(context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    /// Nothing more is read while the stream goes on: the end of the connection is heard without.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if client?.isOpen == true { setReading(false) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { client?.loop.flush() }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { client?.lost(.abnormal) }

    func closeOutput() {
        // What it sent and nobody read would turn the end into a reset, which eats the farewell.
        setReading(true)
        context?.close(mode: .output, promise: nil)
    }

    func next(now: UInt64) -> Arrival? { nil }

    func turnEnded(now: UInt64) {}

    var keepAlive: KeepAliveMode? { .serverPingsOnly }

    /// Nothing comes back from a reader, so one that is gone without a word is found by TCP: here when it has acknowledged or
    /// taken nothing new for so long (tcp(7), `TCP_USER_TIMEOUT`), by itself after some 15 minutes. Later than the node finds a
    /// slow consumer, which is told why it ends.
    private func boundSilence(_ channel: any Channel) {
        #if os(Linux)
        guard let client else { return }
        let keepAlive = client.loop.node.configuration.keepAlive
        let ping = keepAlive.pingInterval.map { $0 + keepAlive.pongTimeout } ?? .zero
        let milliseconds = (client.limits.slowTimeout + ping).microseconds / 1_000
        try? channel.syncOptions?.setOption(
            .tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: SocketOptionValue(clamping: milliseconds))
        #endif
    }

    func seal(_ body: consuming Body) -> ByteBuffer { form.seal(body) }

    var ping: ByteBuffer { form.ping }

    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterFarewell) {
        let retry = client?.loop.node.retryMilliseconds ?? 1_000
        return (form.farewell(disconnect, reason: reason, retry: retry), .endOutput)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { form.boundary(in: bytes, from: taken) }
}
