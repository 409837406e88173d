import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// A request that receives what a session says: one frame, or one after the other until the answer is as long as it may be. Where
/// there is no such session, it opens one. Lives on its exchange's event loop.
final class SockJSReceiver: WheelMember, TurnTaker {
    var wheelPlace = WheelPlace()
    private let exchange: Exchange
    private let service: SockJSService
    private let options: SockJSOptions
    private let session: SessionAddress
    private let form: SockJSReceiving
    private let id = UInt64.random(in: 0...UInt64.max)
    /// The answer, where it goes on and has begun.
    private var stream: ResponseStream?
    /// Bytes that it may still have.
    private var left: Int
    /// Whether the request was counted as an attempt of its address.
    private var isCounted = false
    /// When the next sign of life is due.
    private var heartbeatAt: UInt64 = 0
    /// Whether it asks again at its next turn.
    private var isDue = false

    init(
        _ exchange: Exchange, _ service: SockJSService, _ options: SockJSOptions, _ session: SessionAddress,
        _ form: SockJSReceiving
    ) {
        (self.exchange, self.service, self.options) = (exchange, service, options)
        (self.session, self.form, left) = (session, form, options.responseLimit)
    }

    func begin() {
        guard session.name.utf8.count <= SessionBounds.nameBytes else {
            return exchange.refuse(.notFound, .notFound, "no such path: the names in it are too long")
        }
        guard relay.knows(session) || count() else { return }
        restartHeartbeat()
        exchange.holdOpen()
        // A stream shows at once that it is there.
        ask(wait: form.goesOn ? 0 : nil)
    }

    private static let interrupted = SockJSFrame.close(code: 1002, reason: "Connection interrupted")

    private var loop: LoopState { exchange.loop }
    private var relay: SessionRelay { loop.node.sessions }
    private var clock: NodeClock { loop.node.clock }

    private func restartHeartbeat() {
        let interval = exchange.loop.node.configuration.keepAlive.pingInterval ?? SockJSOptions.heartbeat
        heartbeatAt = clock.monotonicMicroseconds() + interval.microseconds
    }

    private func question(wait: UInt64) -> SessionQuestion {
        SessionQuestion(session: session, receiver: id, wait: wait, stays: form.goesOn)
    }

    /// - Parameter wait: microseconds; `nil`: until the next sign of life is due.
    private func ask(wait: UInt64? = nil) {
        let now = clock.monotonicMicroseconds()
        let wait = wait ?? (heartbeatAt > now ? heartbeatAt - now : 0)
        exchange.onGone = { [self] in gone() }
        relay.receive(question(wait: wait), for: exchange) { [self] in replied($0) }
    }

    private func gone() {
        loop.wheel.cancel(self)
        leave(aborted: true)
    }

    private func leave(aborted: Bool) {
        relay.leave(question(wait: 0), aborted: aborted, from: exchange.loop)
    }

    private func replied(_ reply: SessionReply) {
        guard !exchange.isOver else { return }
        switch reply {
        case .messages(let messages): send(SockJSFrame.messages(messages))
        case .nothing: sentNothing()
        case .occupied:
            // It costs its session nothing, so it is an attempt.
            guard stream != nil || isCounted || count() else { return }
            sendLast(SockJSFrame.close(code: 2010, reason: "Another connection still open"))
        case .ended(let code, let reason): sendLast(SockJSFrame.close(code: code, reason: reason))
        case .gone where stream == nil: open()
        // It was there, and its node is not any more.
        case .gone: sendLast(Self.interrupted)
        case .unknown: sendLast(Self.interrupted)
        case .unavailable where stream != nil:
            leave(aborted: true)
            sendLast(Self.interrupted)
        case .unavailable:
            exchange.refuse(
                .brokerUnavailable, .serviceUnavailable, "other nodes can't be asked for the session, try again",
                retry: true)
        }
    }

    private func sentNothing() {
        guard heartbeatAt <= clock.monotonicMicroseconds() else {
            // The receiver is attached, and nothing waits.
            guard form.goesOn else { return ask() }
            beginStream()
            return goOn()
        }
        restartHeartbeat()
        send(SockJSFrame.heartbeat)
    }

    // MARK: Opening

    /// Counts the request as an attempt to become a client: a search costs the other nodes something, and a token as much to check as
    /// one of an upgrade. Returns whether there may be one more.
    private func count() -> Bool {
        isCounted = exchange.mayTry()
        return isCounted
    }

    private func open() {
        guard isCounted || count(), exchange.mayBegin() else { return }
        service.session(for: exchange) { [self] session, channel, wish in
            let transport = SockJSSession(exchange.loop, self.session, service.form, form.name)
            transport.closing = service.closing
            transport.sealsPublications = service.sealsPublications
            transport.open(
                for: exchange, session, service.format, in: channel, wish, receiver: form.goesOn ? id : nil
            ) { [self] in opened($0) }
        }
    }

    /// - Parameter session: `nil`: another request has opened it meanwhile.
    private func opened(_ session: SessionTransport?) {
        guard let session else { return replied(.occupied) }
        guard !exchange.isOver else { return leave(aborted: true) }
        exchange.onGone = { [self] in gone() }
        send(SockJSFrame.open)
        if let closing = service.closing { session.client?.end(.notAvailable, reason: closing.reason) }
    }

    // MARK: Answering

    /// Sends a frame, and goes on where the answer does.
    private func send(_ frame: ByteBuffer) {
        let bytes = form.wrap(frame)
        guard form.goesOn else { return answer(bytes) }
        beginStream()
        guard let stream else { return }
        stream.send(bytes)
        left -= bytes.readableBytes
        guard left > 0 else {
            // The client asks again, and the session waits for that. It may have done so behind this request already.
            exchange.isFollowed = true
            leave(aborted: false)
            return end()
        }
        goOn()
    }

    /// Sends the last frame of an answer.
    private func sendLast(_ frame: ByteBuffer) {
        let bytes = form.wrap(frame)
        guard form.goesOn else { return answer(bytes) }
        beginStream()
        stream?.send(bytes)
        end()
    }

    private func end() {
        exchange.onGone = nil
        stream?.end()
        stream = nil
    }

    private func goOn() {
        guard let stream, !stream.isOver else { return }
        if stream.isWritable { return ask() }
        stream.onWritable = { [self] in askSoon() }
        loop.wheel.schedule(self, at: clock.monotonicMicroseconds() + exchange.limits.slowTimeout.microseconds)
    }

    /// The client has taken what it was sent: asks at the next turn, for what its connection notes may be in the middle of another's
    /// write.
    private func askSoon() {
        exchange.onWritable = nil
        loop.wheel.cancel(self)
        guard !isDue else { return }
        isDue = true
        loop.turns.add(self)
    }

    func takeTurn() {
        isDue = false
        if stream != nil { goOn() }
    }

    /// The client has taken nothing for too long. While it doesn't, nothing else ends its request, nor asks whether the session is there.
    func deadlineReached(now: UInt64) { exchange.abort() }

    private func answer(_ bytes: ByteBuffer) {
        exchange.onGone = nil
        var fields = exchange.sockJSFields(options, form.contentType)
        if case .jsonp = form { fields[.xContentTypeOptions] = "nosniff" }
        exchange.answer(.ok, fields, bytes)
    }

    private func beginStream() {
        guard form.goesOn, stream == nil else { return }
        var fields = exchange.sockJSFields(options, form.contentType)
        fields[.xAccelBuffering] = "no"
        stream = exchange.stream(.ok, fields)
        stream?.send(form.prelude)
    }
}

extension SockJSReceiving {
    /// How clients of sessions that it opened are counted.
    fileprivate var name: TransportName {
        switch self {
        case .xhr: .sockJSXHR
        case .xhrStreaming: .sockJSXHRStreaming
        case .eventSource: .sockJSEventSource
        case .htmlFile: .sockJSHTMLFile
        case .jsonp: .sockJSJSONP
        }
    }
}
