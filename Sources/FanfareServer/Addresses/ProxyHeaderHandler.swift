import NIOCore

/// Takes the PROXY protocol's header off the front of a connection, and then itself out of the pipeline.
///
/// It comes before everything else, TLS included, and only to connections of trusted peers: nobody else is asked who they
/// are. The deadline of the handshake is ``HTTPConnection``'s.
final class ProxyHeaderHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        case waiting
        case passing
        case refused
    }

    private let connection: HTTPConnection
    private var state = State.waiting
    private var bytes = ByteBuffer()

    /// - Parameter connection: who is told for whom the proxy speaks.
    init(connection: HTTPConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .passing: context.fireChannelRead(data)
        case .refused: break
        case .waiting:
            bytes.writeImmutableBuffer(unwrapInboundIn(data))
            read(context)
        }
    }

    private func read(_ context: ChannelHandlerContext) {
        let first = Array(bytes.readableBytesView.prefix(ProxyHeader.decisive))
        switch ProxyHeader.read(first, count: bytes.readableBytes) {
        case .incomplete: break
        case .invalid:
            state = .refused
            connection.loop.metrics.refusals.add(.proxyProtocol)
            connection.loop.logRefusal(
                .proxyProtocol, "a trusted peer began without a valid PROXY header", context.remoteAddress)
            context.close(promise: nil)
        case .header(let client, let length):
            state = .passing
            connection.proxied = client
            guard connection.takeShare(of: connection.peer) else {
                state = .refused
                return context.close(promise: nil)
            }
            bytes.moveReaderIndex(forwardBy: length)
            if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }
}
