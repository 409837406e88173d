import FanfareCore
import NIOCore

/// One end of a bridge between two channels of one event loop: what comes on one leaves on the other, no faster than that takes it.
///
/// A WebSocket over TLS can't go to its session's event loop, for TLS has its state in the channel. So the session gets one end of a pair
/// of sockets, as it would get the connection itself, and this carries bytes between the other end and the channel. Lives on the event
/// loop that accepted the connection.
final class SocketBridge: ChannelInboundHandler, WheelMember {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var wheelPlace = WheelPlace()
    private let loop: LoopState
    /// The other end; `nil`: it has ended.
    private var other: SocketBridge?
    private var context: ChannelHandlerContext?
    /// Whether it was counted among the bridges of its loop: one of the two is.
    private var isCounted: Bool
    /// What came before the other end was there.
    private var held = ByteBuffer()

    private init(_ loop: LoopState, isCounted: Bool) { (self.loop, self.isCounted) = (loop, isCounted) }

    /// Two ends.
    static func make(_ loop: LoopState) -> (SocketBridge, SocketBridge) {
        let (one, two) = (SocketBridge(loop, isCounted: true), SocketBridge(loop, isCounted: false))
        (one.other, two.other) = (two, one)
        loop.bridges += 1
        return (one, two)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        setReading(false)
        // The other one ended before this one was there.
        if other == nil { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { gone() }

    /// It could not be added to its channel.
    func discard() { gone() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let other else { return }
        if let next = other.context {
            next.write(data, promise: nil)
        } else {
            held.writeImmutableBuffer(unwrapInboundIn(data))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { other?.context?.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) { other?.setReading(context.channel.isWritable) }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Both ends are there: begins to read, once the other one can take it.
    func begin() {
        if held.readableBytes > 0 { other?.context?.writeAndFlush(wrapOutboundOut(held), promise: nil) }
        held = ByteBuffer()
        guard other?.context?.channel.isWritable != false else { return }
        setReading(true)
    }

    private func setReading(_ isReading: Bool) {
        guard let context else { return }
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
        if isReading { context.read() }
    }

    private func gone() {
        context = nil
        loop.wheel.cancel(self)
        held = ByteBuffer()
        if isCounted { loop.bridges -= 1 }
        isCounted = false
        let left = other
        other = nil
        left?.end()
    }

    /// The other end is over: this one sends what it has, for as long as a farewell may take, and ends.
    private func end() {
        other = nil
        guard let context else { return }
        let last = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        last.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: last)
        let time = loop.node.configuration.limits.closeTimeout
        loop.wheel.schedule(self, at: loop.node.clock.monotonicMicroseconds() + time.microseconds)
    }

    func deadlineReached(now: UInt64) { context?.close(promise: nil) }
}
