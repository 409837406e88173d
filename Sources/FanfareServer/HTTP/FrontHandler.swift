import FanfareCore
import FanfareWire
import NIOCore
import NIOHTTP1

/// The HTTP side of a public connection: answers plain requests and turns upgrades into clients.
///
/// One per connection on its event loop; after an upgrade it takes itself and all HTTP handlers out of the pipeline.
/// `+Requests` decides what a request gets, `+Upgrade` carries out upgrades.
final class FrontHandler: ChannelInboundHandler, RemovableChannelHandler, WheelMember {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Where the current request is.
    enum State {
        /// Before a request's head.
        case idle
        /// Within the body of a publish.
        case body(ChannelName, HTTPRequestHead, ByteBuffer)
        /// Within the body of a request whose answer does not depend on it, of which so many bytes came.
        case discarding(HTTPRequestHead, bytes: Int)
        /// Between a complete request and its answer.
        case answering
        /// The answer that ends the connection is out, or the upgrade has happened.
        case done
    }

    let loop: LoopState
    var context: ChannelHandlerContext?
    var state = State.idle
    var wheelPlace = WheelPlace()
    /// The client of an upgrade that waits for the broker.
    var opening: ClientConnection?
    /// Whether a request was answered on this connection.
    var hasAnswered = false
    /// For whom the peer speaks, by the PROXY protocol.
    var proxied: ClientAddress?
    /// Where the current request comes from, once somebody has asked.
    var knownCaller: Callers.Caller?
    /// Whether the current request is a HEAD: its answer has no body, whatever it is (RFC 9110 §9.3.2).
    var isHead = false
    /// Whether the current request was answered before its body came: then nobody knows whether it will.
    var isAnsweredEarly = false
    /// The place that its address has among the sockets without a session; `nil` where no share holds for it.
    var share: Party?
    /// Where it stands among the sockets that the loop waits for; -1: nowhere.
    var waitingPlace = -1
    /// The request that is being answered, for the log.
    var requestHead: HTTPRequestHead?
    /// Holds the bytes behind the requests that are being answered.
    var gate: RequestGate?
    /// What the decoder made of the last portion and is not handled yet.
    var arrivals = CircularBuffer<Arrival>()
    /// What this connection may still have done before others have their turn, and whether it waits for its next one.
    var turn = Turn()
    var isTurnOver = false
    var isAdvancing = false
    /// Whether answers are written and not flushed.
    var hasUnflushed = false
    private var isCounted = false

    init(loop: LoopState) {
        self.loop = loop
    }

    var limits: Limits { loop.node.configuration.limits }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.metrics.counters.add(.socketsAccepted)
        loop.metrics.counters.add(.pendingConnections)
        isCounted = true
        restartDeadline()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        gate = nil
        self.context = nil
    }

    /// This socket is no longer one without a session. Safe to call again.
    func leave() {
        loop.wheel.cancel(self)
        stopWaiting()
        guard isCounted else { return }
        isCounted = false
        share?.leave()
        share = nil
        loop.metrics.counters.add(.pendingConnections, -1)
    }

    func restartDeadline() {
        guard isCounted else { return }
        startWaiting()
        loop.wheel.schedule(
            self,
            at: loop.node.clock.monotonicMicroseconds() + limits.handshakeTimeout.microseconds
        )
    }

    func deadlineReached(now: UInt64) {
        switch state {
        case .idle where hasAnswered:
            // A connection that was kept for another request: nothing was asked for.
            context?.close(promise: nil)
        case .idle, .body, .discarding:
            refuse(.handshakeTimeout, .requestTimeout, "no complete request in time")
        case .answering, .done:
            context?.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The gate gave the decoder a portion, and goes on with this when the decoder is through.
        arrivals.append(.part(unwrapInboundIn(data)))
    }

    func received(_ part: HTTPServerRequestPart) {
        switch (part, state) {
        case (.head(let head), .idle):
            turn.takeRequest(withToken: token(head) != nil)
            received(head)
        case (.body(let part), .discarding(let head, let bytes)):
            turn.take(messageBytes: part.readableBytes)
            guard bytes + part.readableBytes <= limits.maxMessageBytes else {
                return refuseBody(limits.maxMessageBytes)
            }
            state = .discarding(head, bytes: bytes + part.readableBytes)
        case (.body(let part), .body(let channel, let head, var body)):
            turn.take(messageBytes: part.readableBytes)
            state = .idle
            body.writeImmutableBuffer(part)
            guard body.readableBytes <= messageLimit(channel) else { return refuseBody(messageLimit(channel)) }
            state = .body(channel, head, body)
        case (.end, .body(let channel, let head, let body)):
            stopWaiting()
            state = .answering
            publish(channel, head, body)
        case (.end, .discarding(let head, _)):
            stopWaiting()
            state = .answering
            respond(to: head)
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flushAnswers()
        loop.flush()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        opening?.finish()
        opening = nil
        state = .done
        arrivals.removeAll()
        leave()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        arrivals.append(.failure(error))
        // Not from a portion: the decoder found half a request when the connection ended.
        goOn()
    }
}
