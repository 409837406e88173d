import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// A client that waits for its request's answer, and is gone with it. The first thing that comes for it begins the answer, the
/// end of that turn ends it; if nothing comes in time, the answer is empty.
///
/// The connection is the transport's own from the first byte of the answer on, so that a client that does not take it is
/// bounded like any other. Lives on its client's event loop.
final class PollTransport: ChannelInboundHandler, ConnectionTransport, WheelMember, TurnTaker {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var client: Client?
    private(set) var context: ChannelHandlerContext?
    var wheelPlace = WheelPlace()
    private let exchange: Exchange
    private let form: StreamForm
    private let channel: ChannelName
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
        client?.loop.settle()
        guard isWaiting, let loop = client?.loop else { return }
        answerNothing(at: loop.shard.position(of: channel))
    }

    /// Nothing has come, or nothing will: the client may ask again.
    ///
    /// - Parameter position: everything up to there was told.
    private func answerNothing(at position: StreamPosition?) {
        var fields: HTTPFields = [.cacheControl: "no-store"]
        fields[.fanfarePosition] = position.map { "\($0)" }
        finish()
        exchange.onGone = nil
        exchange.answer(.noContent, fields)
    }

    /// The end of the turn in which the answer began.
    func takeTurn() { client?.end(.normal) }

    func finish() {
        exchange.loop.wheel.cancel(self)
        client?.finish()
        client = nil
    }
}

/// The answer.
extension PollTransport {
    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { client?.lost(.abnormal) }

    func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?) {
        guard let context = context ?? beginAnswer() else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }

    /// Takes the connection; what waits for the client in this turn follows. Its position is that of the last line.
    private func beginAnswer() -> ChannelHandlerContext? {
        exchange.onGone = nil
        var head = form.head(position: nil)
        head.headerFields[.cacheControl] = "no-store"
        guard exchange.handOver(head, to: self) else { return nil }
        exchange.loop.wheel.cancel(self)
        exchange.loop.turns.add(self)
        return context
    }

    func close() {
        guard let context else { return answerNothing(at: start) }
        context.close(promise: nil)
    }

    func next(now: UInt64) -> Arrival? { nil }

    func turnEnded(now: UInt64) {}

    var keepAlive: KeepAliveMode? { nil }

    func seal(_ body: consuming Body) -> ByteBuffer { form.seal(body) }

    var ping: ByteBuffer { form.ping }

    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterFarewell) {
        context == nil ? (ByteBuffer(), .closeSocket) : (form.delimiting.end, .endOutput)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { form.boundary(in: bytes, from: taken) }
}
