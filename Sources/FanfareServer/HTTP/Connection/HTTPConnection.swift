import FanfareCore
import HTTPTypes
import NIOCore
import NIOHTTP1

/// A public connection that speaks HTTP/1.1: makes an ``Exchange`` of each request, and answers one before it begins the next.
///
/// One per socket on its event loop; after an upgrade it takes itself and all HTTP handlers out of the pipeline. `+Requests`
/// takes requests in, `+Answers` writes, `+Bodies` writes in parts, `+Turns` shares the event loop, `+Waiting` the places of sockets without a session.
/// What a request gets is decided by the ``PublicRouter`` and its endpoints.
final class HTTPConnection: ChannelInboundHandler, RemovableChannelHandler, WheelMember {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    /// Where the current request is.
    enum State {
        /// Before a request's head.
        case idle
        /// Between a request's head and the end of its body.
        case receiving
        /// Between a complete request and the end of its answer.
        case answering
        /// The answer that ends the connection is out, or the connection was handed over.
        case done
    }

    let loop: LoopState
    let router: PublicRouter
    var context: ChannelHandlerContext?
    var state = State.idle
    var wheelPlace = WheelPlace()
    /// For whom the peer speaks, by the PROXY protocol.
    var proxied: ClientAddress?
    /// Its place among the sockets without a session.
    var place = PendingPlace()

    /// The current request; `nil` before its head and after its answer.
    var exchange: Exchange?
    /// Who answers it, and what becomes of its body.
    var endpoint: (any Endpoint)?
    var bodyUse = BodyUse.ignored
    var body = ByteBuffer()
    /// Bytes of the body so far, kept or not, and most that it may have.
    var bodyBytes = 0
    var bodyLimit = 0
    /// How the answer under way goes on; `nil`: it is no answer in parts.
    var bodyFraming: BodyFraming?
    /// Whether the current request is of HTTP/1.0.
    var isOld = false
    /// Whether another request may follow on this connection.
    var keepsOpen = true
    /// Whether a request was answered on this connection.
    var hasAnswered = false

    /// Holds the bytes behind the requests that are being answered.
    var gate: RequestGate?
    /// What the decoder made of the last portion and is not handled yet.
    var arrivals = CircularBuffer<Arrival>()
    /// What this connection may still have done before others have their turn, and whether it waits for its next one.
    var turn = Turn()
    var isTurnOver = false
    var isAdvancing = false
    /// Small pieces of answers, for the next write.
    var output = ByteBuffer()
    /// Whether something was written and not flushed.
    var hasUnflushed = false

    init(loop: LoopState, router: PublicRouter) {
        self.loop = loop
        self.router = router
    }

    var limits: Limits { loop.node.configuration.limits }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.metrics.counters.add(.socketsAccepted)
        enter()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        gate = nil
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The gate gave the decoder a portion, and goes on with this when the decoder is through.
        arrivals.append(.part(unwrapInboundIn(data)))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flushAnswers()
        loop.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            exchange?.onWritable?()
            goOn()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .done
        bodyFraming = nil
        arrivals.removeAll()
        let abandoned = exchange
        exchange = nil
        abandoned?.gone()
        leave()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        arrivals.append(.failure(error))
        // Not from a portion: the decoder found half a request when the connection ended.
        goOn()
    }

    func deadlineReached(now: UInt64) {
        switch state {
        case .idle where hasAnswered:
            // A connection that was kept for another request: nothing was asked for.
            context?.close(promise: nil)
        case .idle, .receiving:
            refuse(.handshakeTimeout, .requestTimeout, "no complete request in time")
        case .answering, .done:
            context?.close(promise: nil)
        }
    }
}
