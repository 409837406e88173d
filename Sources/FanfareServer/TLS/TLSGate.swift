import FanfareCore
import FanfareRedis
import FanfareWire
import NIOCore
import NIOSSL
import NIOTLS

/// Stands behind TLS until its handshake is complete, then leaves.
///
/// Until then a socket has no one to whom anything could be said: an answer (408 at the deadline) would wait in NIOSSL for
/// a handshake that never ends, so the socket is closed instead. Counts handshakes that fail.
final class TLSGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let loop: LoopState
    private var hasFailed = false

    init(loop: LoopState) { self.loop = loop }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case TLSUserEvent.handshakeCompleted(let agreed) = event else { return }
        let channel = context.channel
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        if let agreed, ExactText(agreed) == ExactText(HTTP2Pipeline.token) {
            HTTP2Pipeline.begin(on: channel, loop: loop)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !hasFailed, Self.isRefusal(error) {
            hasFailed = true
            loop.metrics.refusals.add(.tls)
            loop.logRefusal(.tls, "no TLS with this client: \(NetworkFailure.describe(error))", context.remoteAddress)
        }
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.ioOnClosedChannel)
        context.close(promise: nil)
    }

    /// Who leaves without a word, as the checks of load balancers do, was not refused.
    private static func isRefusal(_ error: any Error) -> Bool {
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let causes)): !causes.contains(.eofDuringHandshake)
        case is NIOSSLError, is BoringSSLError: true
        default: false
        }
    }
}
