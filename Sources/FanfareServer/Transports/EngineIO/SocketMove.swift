import FanfareCore
import FanfareWire
import NIOCore

/// A WebSocket for a session on another event loop of this node: once all handlers of HTTP have let go of it, it goes there; over TLS an
/// end of a bridge to it does (``SocketBridge``). Lives on the event loop that accepted it.
final class SocketMove: ChannelInboundHandler, RemovableChannelHandler, PendingSocket, WheelMember {
    typealias InboundIn = ByteBuffer

    var wheelPlace = WheelPlace()
    private let loop: LoopState
    private let session: SessionAddress
    private let peer: ClientAddress
    private var place = PendingPlace()
    private var context: ChannelHandlerContext?
    /// What came meanwhile.
    private var bytes = ByteBuffer()

    init(_ loop: LoopState, to session: SessionAddress, peer: ClientAddress) {
        (self.loop, self.session, self.peer) = (loop, session, peer)
    }

    /// Takes a place for it. Returns whether there was one.
    func begin() -> Bool {
        guard place.takeShare(of: peer, loop), loop.makeRoom(for: nil) else { return false }
        place.enter(loop)
        place.startWaiting(self, loop)
        loop.wheel.schedule(
            self, at: loop.node.clock.monotonicMicroseconds() + EngineIOBounds.upgradeTime.microseconds)
        return true
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        moveSoon()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end()
    }

    /// Gives its place back. Safe to call again.
    func end() {
        loop.wheel.cancel(self)
        place.leave(loop)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes.writeImmutableBuffer(unwrapInboundIn(data)) }

    private func moveSoon() {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.execute { bound.value.move() }
    }

    private func move() {
        guard let context else { return }
        // The gate goes last, a few turns from now at most.
        let gate = try? context.pipeline.syncOperations.context(handlerType: RequestGate.self)
        guard gate == nil else { return moveSoon() }
        guard loop.node.tls == nil else { return bridge(context) }
        let unsent = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        let connection = unsent == 0 ? MovedConnection(of: context.channel, bytes: bytes, peer: peer) : nil
        // Closes this channel's descriptor, and with that not the connection.
        context.close(promise: nil)
        if let connection { loop.node.sessions.take(connection, to: session) }
    }

    /// The connection stays, and the session gets an end of a bridge to it.
    private func bridge(_ context: ChannelHandlerContext) {
        guard let (near, far) = MovedConnection.pair(bytes: bytes, peer: peer) else {
            return context.close(promise: nil)
        }
        let (outer, inner) = SocketBridge.make(loop)
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(outer, position: .after(self))
        } catch {
            outer.discard()
            far.close()
            near.close()
            return context.close(promise: nil)
        }
        pipeline.removeHandler(self, promise: nil)
        near.adopt(on: loop, handler: inner) {
            inner.begin()
            outer.begin()
        }
        loop.node.sessions.take(far, to: session)
    }

    func deadlineReached(now: UInt64) { giveWay() }

    func giveWay() { context?.close(promise: nil) }
}
