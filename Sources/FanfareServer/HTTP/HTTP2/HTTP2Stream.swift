import FanfareCore
import HTTPTypes
import NIOCore
import NIOHPACK
import NIOHTTP2

/// A stream of HTTP/2: one request and its answer, on a channel of NIO's multiplexer. `+Answers` writes.
///
/// It stays when a client takes the stream: what that writes are bytes, and here they become frames. What the client has not taken
/// waits in NIO for its windows, a chunk at a time; the client's outbox bounds and watches it as it does behind a socket.
/// Belongs to the connection's event loop.
final class HTTP2Stream: ChannelDuplexHandler, WheelMember {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = HTTP2Frame.FramePayload

    enum State {
        /// Before the request's head.
        case idle
        /// Between its head and its end.
        case receiving
        /// Between the complete request and the end of its answer.
        case answering
        /// The answer's head is out, and its body comes in parts.
        case sending
        /// The answer is complete, or a client has the stream.
        case done
    }

    let connection: HTTP2Connection
    var context: ChannelHandlerContext?
    var wheelPlace = WheelPlace()
    var state = State.idle
    var exchange: Exchange?
    /// Bytes of parts that NIO has not written.
    var unwritten = 0
    private var place = PendingPlace()
    private var endpoint: (any Endpoint)?
    private var bodyUse = BodyUse.ignored
    private var body = ByteBuffer()
    private var bodyBytes = 0
    private var bodyLimit = 0
    /// Whether the client has sent all of its request.
    private(set) var isComplete = false
    private var hasEnded = false
    /// Whether the node has answered the request, or refused the stream.
    var isAnswered = false

    init(connection: HTTP2Connection) { self.connection = connection }

    var loop: LoopState { connection.loop }
    private var limits: Limits { loop.node.configuration.limits }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let id = try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)
        if let id { connection.streamNumbered(id) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gone()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.headers(let head), .idle):
            isComplete = head.endStream
            begin(head.headers)
        case (.data(let data), .receiving):
            isComplete = data.endStream
            if case .byteBuffer(let bytes) = data.data { take(bytes) }
        // Trailers: nothing depends on them.
        case (.headers(let head), .receiving): isComplete = head.endStream
        default: return
        }
        if isComplete {
            ended()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.onWritable?() }
        context.fireChannelWritabilityChanged()
    }

    func deadlineReached(now: UInt64) {
        switch state {
        case .idle, .receiving:
            guard let exchange else { return reset(.cancel) }
            exchange.refuse(.handshakeTimeout, .requestTimeout, "no complete request in time")
        // It does not take its answer.
        case .answering, .sending, .done: reset(.cancel)
        }
    }

    fileprivate func gone() {
        let abandoned = exchange
        exchange = nil
        endpoint = nil
        body = ByteBuffer()
        state = .done
        leave()
        guard !hasEnded else { return }
        hasEnded = true
        abandoned?.gone()
        if !isAnswered { connection.requestFailed() }
        connection.streamEnded()
    }
}

/// The request.
extension HTTP2Stream {
    private func begin(_ headers: HPACKHeaders) {
        guard let request = HTTPRequest(headers) else {
            loop.metrics.refusals.add(.badRequest)
            loop.logRefusal(.badRequest, "not a valid request of HTTP/2", connection.peer)
            return reset(.protocolError)
        }
        let exchange = Exchange(request, loop: loop, carrier: self, peer: connection.peer, isUpgradable: false)
        self.exchange = exchange
        state = .receiving
        guard isWithinLimits(headers) else {
            return exchange.refuse(
                .badRequest, .requestHeaderFieldsTooLarge, "the request's header fields are above the limit")
        }
        // What is checked is the same as in HTTP/1.1.
        let check = exchange.check(version: (1, 1), target: exchange.path) { name in
            name == "host" ? request.authority.map { [$0] } ?? [] : headers[canonicalForm: name]
        }
        if let check { receive(exchange, check) }
    }

    private func isWithinLimits(_ headers: HPACKHeaders) -> Bool {
        headers.count <= limits.maxHeaderFields
            && headers.allSatisfy { $0.name.utf8.count + $0.value.utf8.count <= limits.maxHeaderFieldBytes }
    }

    /// Finds who answers, and decides about the body before any of it is taken.
    private func receive(_ exchange: Exchange, _ check: RequestCheck) {
        guard let endpoint = connection.router.admit(exchange), let use = endpoint.body(of: exchange),
            let limit = exchange.bodyLimit(use, check)
        else { return }
        bodyLimit = limit
        guard check.fits(bodyLimit) else { return refuseBody() }
        self.endpoint = endpoint
        bodyUse = use
        // RFC 9110 §10.1.1.
        if !isComplete, check.expectsContinue { writeHead(HTTPResponse(status: .continue), isLast: false) }
    }

    private func take(_ bytes: ByteBuffer) {
        bodyBytes += bytes.readableBytes
        guard bodyBytes <= bodyLimit else { return refuseBody() }
        if case .kept = bodyUse { body.writeImmutableBuffer(bytes) }
    }

    private func refuseBody() {
        exchange?.refuse(.badRequest, .contentTooLarge, "the body is above the limit of \(bodyLimit) bytes")
    }

    /// The request is complete.
    private func ended() {
        guard case .receiving = state else { return }
        state = .answering
        place.stopWaiting(loop)
        connection.isReady(self)
    }

    /// Its turn has come.
    func respond(_ turn: inout Turn) {
        guard case .answering = state, let exchange, let endpoint else { return }
        turn.takeRequest(withToken: exchange.token != nil)
        turn.take(messageBytes: bodyBytes)
        let body = body
        self.body = ByteBuffer()
        self.endpoint = nil
        endpoint.respond(to: exchange, body)
    }
}

/// Its place among the sockets without a session.
extension HTTP2Stream: PendingSocket {
    /// - Returns: whether there was one; where not, there is no such stream.
    func enter() -> Bool {
        connection.streamBegan()
        guard place.takeShare(of: connection.peer, loop), loop.makeRoom(for: nil) else {
            isAnswered = true
            gone()
            return false
        }
        place.enter(loop)
        waitForClient()
        return true
    }

    /// Safe to call again.
    func leave() {
        loop.wheel.cancel(self)
        place.leave(loop)
    }

    /// For its request, or until it takes its answer.
    func waitForClient() {
        if place.isCounted { place.startWaiting(self, loop) }
        loop.wheel.schedule(
            self, at: loop.node.clock.monotonicMicroseconds() + limits.handshakeTimeout.microseconds)
    }

    func giveWay() {
        if case .receiving = state {
            loop.metrics.refusals.add(.pendingLimit)
            loop.logRefusal(.pendingLimit, "too many requests wait here", connection.peer)
        }
        // Not an answer: that could wait for the client's window, and with it the stream.
        reset(.refusedStream)
        place.leave(loop)
    }
}
