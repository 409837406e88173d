import FanfareCore
import FanfareRedis
import NIOCore
import NIOHTTP2
import NIOSSL

/// A connection of HTTP/2: what its streams share. Each stream is to the node what a connection of HTTP/1.1 is, with a place, a
/// deadline and a client of its own; the connection itself has a place only while it has no stream.
///
/// Belongs to its event loop, behind NIO's decoder and its multiplexer of streams.
final class HTTP2Connection: ChannelInboundHandler, WheelMember, PendingSocket {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    let loop: LoopState
    let router: PublicRouter
    /// The other end, or for whom it speaks by the PROXY protocol.
    let peer: ClientAddress
    /// Whether the peer is one of the operator's own machines, and may speak for many clients.
    var isTrusted: Bool { loop.node.clientAddresses.trusted.contains(peer) }
    var wheelPlace = WheelPlace()
    private var context: ChannelHandlerContext?
    private var place = PendingPlace()
    private var streams = 0
    /// The last stream that was begun; the root stream before the first.
    private var lastStream = HTTP2StreamID.rootStream
    private let flushes: HTTP2FlushCollector
    private var isDraining = false
    /// Whether frames that have come wait for their turn: then the client waits for the node.
    var isBehind = false
    /// Whether it was told to go, or has gone.
    private(set) var isOver = false

    /// Streams whose requests are complete and wait for their turn.
    private var ready = CircularBuffer<HTTP2Stream>()
    private var turn = Turn()
    private var isTurnOver = false
    private var failed = RateLimit()
    private var postponed = RateLimit()
    private var resets = RateLimit()

    init(loop: LoopState, router: PublicRouter, peer: ClientAddress, flushes: HTTP2FlushCollector) {
        self.flushes = flushes
        self.loop = loop
        self.router = router
        self.peer = peer
    }

    /// Takes the place of a connection without a stream.
    ///
    /// - Returns: whether there was one; where not, it has to be closed.
    func enter() -> Bool {
        guard place.takeShare(of: peer, loop), loop.makeRoom(for: nil) else { return false }
        place.enter(loop)
        waitForClient()
        return true
    }

    private func waitForClient() {
        place.startWaiting(self, loop)
        loop.wheel.schedule(
            self,
            at: loop.node.clock.monotonicMicroseconds()
                + loop.node.configuration.limits.handshakeTimeout.microseconds)
    }

    func leave() {
        loop.wheel.cancel(self)
        place.leave(loop)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.http2[ObjectIdentifier(self)] = self
        loop.metrics.counters.add(.http2Connections)
        loop.boundSilence(of: context.channel)
        if loop.node.isDraining { drain() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gone()
        self.context = nil
    }

    /// Frames about the connection as a whole: NIO has seen to them.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func channelReadComplete(context: ChannelHandlerContext) {
        loop.flush()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        // About one stream, and often only late: frames that were under way when the stream ended.
        case is NIOHTTP2Errors.StreamError, is NIOHTTP2Errors.StreamClosed: break
        // An answer that waited for the socket, to a request that was taken back meanwhile.
        case let late as NIOHTTP2Errors.NoSuchStream where late.streamID != .rootStream && late.streamID <= lastStream:
            break
        case is NIOSSLError, is BoringSSLError, is IOError, is ChannelError: abort()
        // NIO has told the client.
        default: end("HTTP/2: \(HTTP2Abuse.describe(error))")
        }
    }

    /// The client takes what the socket has for it, or does not: then nothing can be said to it, and no stream ended alone.
    func writabilityChanged(to isWritable: Bool) {
        guard !isOver else { return }
        guard isWritable else {
            let limit = loop.node.configuration.limits.slowTimeout
            return loop.wheel.schedule(self, at: loop.node.clock.monotonicMicroseconds() + limit.microseconds)
        }
        if streams == 0 { waitForClient() } else { loop.wheel.cancel(self) }
    }

    /// No stream was begun in time, or nothing was taken.
    func deadlineReached(now: UInt64) {
        guard context?.channel.isWritable == true else { return abort() }
        guard !isBehind else { return waitForClient() }
        noteSilence(.handshakeTimeout, "no request in time")
        close()
    }

    func giveWay() {
        guard !isOver else { return }
        noteSilence(.pendingLimit, "too many sockets without a session, and this one is silent longest")
        goAway(.noError)
        abort()
    }

    /// One that had its answers was refused nothing.
    private func noteSilence(_ reason: RefusalReason, _ message: String) {
        guard lastStream == .rootStream else { return }
        loop.metrics.refusals.add(reason)
        loop.logRefusal(reason, message, peer)
    }

    /// No new streams any more; those that there are end by themselves, and the connection with the last of them.
    func drain() {
        guard !isDraining, !isOver else { return }
        isDraining = true
        if streams == 0 { close() } else { goAway(.noError) }
    }

    /// Ends a connection for what it sent.
    ///
    /// - Parameter code: what it is told; `nil`: it knows.
    func end(_ reason: String, telling code: NIOHTTP2.HTTP2ErrorCode? = nil) {
        guard !isOver else { return }
        isOver = true
        loop.metrics.refusals.add(.http2)
        loop.logRefusal(.http2, reason, peer)
        if let code { goAway(code) }
        abort()
    }

    /// Ends it in order: nobody is on it.
    private func close() {
        guard !isOver else { return }
        isOver = true
        goAway(.noError, last: lastStream)
        leave()
        context?.close(promise: nil)
    }

    /// Closes the socket itself: TLS would first say so and wait for an answer.
    private func abort() {
        isOver = true
        leave()
        flushes.flushNow()
        guard let context else { return }
        let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (tls ?? context).close(promise: nil)
    }

    private func gone() {
        isOver = true
        ready.removeAll()
        leave()
        guard loop.http2.removeValue(forKey: ObjectIdentifier(self)) != nil else { return }
        loop.metrics.counters.add(.http2Connections, -1)
    }

    /// - Parameter last: the last stream that was heard; those behind it may be asked for elsewhere.
    private func goAway(_ code: NIOHTTP2.HTTP2ErrorCode, last: HTTP2StreamID = .maxID) {
        let payload = HTTP2Frame.FramePayload.goAway(lastStreamID: last, errorCode: code, opaqueData: nil)
        context?.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: payload)), promise: nil)
    }
}

/// Its streams.
extension HTTP2Connection: TurnTaker {
    func streamBegan() {
        streams += 1
        loop.metrics.counters.add(.http2Streams)
        if streams == 1 { leave() }
    }

    func streamEnded() {
        streams -= 1
        guard streams == 0, !isOver, context?.channel.isActive == true else { return }
        if isDraining || !enter() { close() }
    }

    /// So many frames came that take streams back; their streams may have their answers.
    func resetsCame(_ count: Int) {
        guard count > 0 else { return }
        resets.charge(count, of: HTTP2Bounds.failedRequests, now: loop.node.clock.monotonicMicroseconds())
    }

    /// A request was refused, or taken back before its answer.
    ///
    /// - Parameter isPostponed: whether its client was told to ask again.
    func requestFailed(isPostponed: Bool = false) {
        guard !isOver, !isTrusted, context?.channel.isActive == true else { return }
        let now = loop.node.clock.monotonicMicroseconds()
        let isSpared = isPostponed && resets.wait(of: HTTP2Bounds.failedRequests, now: now) == 0
        let isTaken =
            isSpared
            ? postponed.take(of: HTTP2Bounds.postponedRequests, now: now)
            : failed.take(of: HTTP2Bounds.failedRequests, now: now)
        guard !isTaken else { return }
        end(
            "HTTP/2: too many requests were refused, or taken back before they were answered", telling: .enhanceYourCalm
        )
    }

    /// A stream has its number.
    func streamNumbered(_ id: HTTP2StreamID) { lastStream = max(lastStream, id) }

    /// Bytes came: the other sockets had their turn.
    func bytesCame() { if !isTurnOver { turn = Turn() } }

    /// A stream's request is complete.
    func isReady(_ stream: HTTP2Stream) {
        ready.append(stream)
        if !isTurnOver { advance() }
    }

    func takeTurn() {
        isTurnOver = false
        turn = Turn()
        advance()
    }

    /// Answers requests, as many as a turn allows.
    private func advance() {
        while !turn.isOver, let stream = ready.popFirst() { stream.respond(&turn) }
        guard !ready.isEmpty else { return }
        isTurnOver = true
        loop.turns.add(self)
    }
}
