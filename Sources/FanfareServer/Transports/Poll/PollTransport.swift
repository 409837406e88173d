import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// A client that waits for its request's answer, and is gone with it. The first thing that comes for it begins the answer, the
/// end of that turn ends it, or when the client has taken what came by then; if nothing comes in time, the answer is empty.
///
/// The connection is the transport's own from the first byte of the answer on, so that a client that does not take it is
/// bounded like any other. Lives on its client's event loop.
final class PollTransport: ListenerHandler, ConnectionTransport, WheelMember, TurnTaker {
    var wheelPlace = WheelPlace()
    /// Fields of the answer beside those of its form.
    var fields: HTTPFields = [.cacheControl: "no-store"]
    /// Whether a cache may keep the answer.
    private var isTagged: Bool { fields[.eTag] != nil }
    private let exchange: Exchange
    private let form: StreamForm
    private let channel: ChannelName
    /// Whether the request has another answer than what comes for the client.
    private var isAnswered = false
    /// Whether the turn in which the answer began is over.
    private var isTurnOver = false
    /// Where the client began to wait.
    private var start: StreamPosition?

    init(_ exchange: Exchange, _ form: StreamForm, _ channel: ChannelName) {
        (self.exchange, self.form, self.channel) = (exchange, form, channel)
    }

    /// Waits for something to come, unless it has.
    ///
    /// - Parameter position: where the client is.
    func wait(_ time: Duration, from position: StreamPosition?) {
        guard isWaiting, let loop = client?.loop else { return }
        start = position
        guard time > .zero else { return deadlineReached(now: 0) }
        loop.wheel.schedule(self, at: loop.node.clock.monotonicMicroseconds() + time.microseconds)
    }

    /// Whether nothing has come.
    private var isWaiting: Bool { context == nil && client?.isOpen == true && client?.outbound.turn.isEmpty == true }

    func deadlineReached(now: UInt64) {
        // The channel's position speaks also of what is gathered for its subscribers and not handed out yet.
        client?.loop.flushHub()
        guard isWaiting, let loop = client?.loop else { return }
        answerNothing(at: told(by: loop.shard.position(of: channel)))
    }

    /// Up to where the client has everything: what this loop has passed on may be behind what it got from another node.
    private func told(by live: StreamPosition?) -> StreamPosition? {
        guard let start else { return live }
        guard let live, live.epoch == start.epoch, live.offset > start.offset else { return start }
        return live
    }

    /// What was kept for the client: whole lines, and nothing else comes.
    func answer(lines: ByteBuffer) {
        // It takes all of them to have arrived: one that breaks off must not look whole.
        if form.delimiting == .bare { fields[.contentLength] = "\(lines.readableBytes)" }
        client?.answer(form.delimiting.seal(lines))
    }

    /// Nothing has come, or nothing will: the client may ask again.
    ///
    /// - Parameter position: everything up to there was told.
    func answerNothing(at position: StreamPosition? = nil, _ status: HTTPResponse.Status = .noContent) {
        guard !isAnswered else { return }
        if let position { fields[.fanfarePosition] = "\(position)" }
        end(.normal)
        exchange.answer(status, fields)
    }

    /// The request is refused.
    func giveUp() { end(.tryAgainLater) }

    private func end(_ disconnect: Disconnect) {
        isAnswered = true
        exchange.onGone = nil
        client?.lost(disconnect)
        finish()
    }

    /// The end of the turn in which the answer began.
    func takeTurn() {
        isTurnOver = true
        client?.flushTurn()
        endWhenTaken()
    }

    /// Who takes a long answer slowly has the time of a slow consumer for it.
    private func endWhenTaken() {
        guard isTurnOver, let client, client.outbound.outbox.isEmpty else { return }
        client.end(.normal)
    }

    override func finish() {
        exchange.loop.wheel.cancel(self)
        super.finish()
    }

    override func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?) {
        if context == nil { beginAnswer() }
        if let promise {
            // Behind what the client does about it.
            let bound = NIOLoopBound(self, eventLoop: exchange.loop.eventLoop)
            promise.futureResult.whenComplete { _ in bound.value.endWhenTaken() }
        }
        super.write(part, promise: promise)
    }

    /// Takes the connection; what waits for the client in this turn follows. Its position is that of the last line.
    private func beginAnswer() {
        exchange.onGone = nil
        var head = form.head(position: nil)
        for field in fields { head.headerFields[field.name] = field.value }
        guard exchange.handOver(head, to: self) else { return }
        exchange.loop.wheel.cancel(self)
        exchange.loop.turns.add(self)
    }

    override func close() {
        guard context == nil else { return super.close() }
        guard !isAnswered else { return }
        removeTag()
        answerNothing(at: start)
    }

    /// The answer will not be what its tag says.
    private func removeTag() {
        guard isTagged else { return }
        fields[.eTag] = nil
        fields[.cacheControl] = "no-store"
    }
}

extension PollTransport {
    var name: TransportName { .poll }

    func next(now: UInt64) -> Arrival? { nil }

    func turnEnded(now: UInt64) {}

    var keepAlive: KeepAliveMode? { nil }

    func seal(_ body: consuming Body) -> ByteBuffer { form.seal(body) }

    var ping: ByteBuffer { form.ping }

    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        // What a cache may keep and is cut must not look whole: it would be confirmed until something is published.
        let isCut = isTagged && disconnect != .normal
        return context == nil || isCut ? (ByteBuffer(), .closeSocket) : (form.delimiting.end, .endOutput)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { form.boundary(in: bytes, from: taken) }
}
