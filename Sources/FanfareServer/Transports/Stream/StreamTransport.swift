import FanfareCore
import FanfareWire
import NIOCore

/// A client that hears the answer to its request, for as long as it takes: the only handler of its pipeline after the head,
/// but for TLS. What it sends now is nobody's. Lives on its client's event loop.
final class StreamTransport: ChannelInboundHandler, ConnectionTransport {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var client: Client?
    private(set) var context: ChannelHandlerContext?
    private let form: StreamForm

    init(_ form: StreamForm) { self.form = form }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

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

    var keepAlive: KeepAliveMode { .serverPingsOnly }

    func seal(_ body: consuming Body) -> ByteBuffer { form.seal(body) }

    var ping: ByteBuffer { form.ping }

    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterFarewell) {
        let retry = client?.loop.node.retryMilliseconds ?? 1_000
        return (form.farewell(disconnect, reason: reason, retry: retry), .endOutput)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { form.boundary(in: bytes, from: taken) }
}
