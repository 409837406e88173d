import NIOCore

/// One client that listens to one channel: handshake, frames, pings, and a judgement of every delivery. Belongs to its
/// event loop; makes no object per frame.
final class BenchClient: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How far it is.
    enum Phase {
        /// The answer to the upgrade has not come, or not all of it.
        case upgrading(ByteBuffer)
        /// Centrifuge: the replies to connect and subscribe have not come.
        case subscribing
        /// It listens.
        case listening
        /// It has ended, or never came to be.
        case ended
    }

    let channelIndex: Int
    /// ``MonotonicClock``.
    let startedAt: Int64
    let loop: ClientLoop
    var phase = Phase.upgrading(ByteBuffer())
    var walker: FrameWalker
    var checker = SequenceChecker()
    private var context: ChannelHandlerContext?

    /// Whether it is connected or never will be.
    var isDecided: Bool {
        switch phase {
        case .upgrading, .subscribing: false
        case .listening, .ended: true
        }
    }

    init(channel: Int, loop: ClientLoop) {
        channelIndex = channel
        self.loop = loop
        startedAt = MonotonicClock.microseconds
        walker = FrameWalker(maxFrameBytes: loop.plan.maxFrameBytes)
    }

    /// Ends it; counts as refused or lost by how far it was.
    func giveUp(_ reason: String) {
        switch phase {
        case .upgrading, .subscribing: loop.refused(reason)
        case .listening: loop.lost(self, reason)
        case .ended: return
        }
        phase = .ended
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        let plan = loop.plan
        let request = Upgrade.request(plan.target, path: plan.path(channel: channelIndex))
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch phase {
        case .upgrading(var head):
            // No second reference may remain, or every write would copy.
            phase = .subscribing
            head.writeImmutableBuffer(bytes)
            upgrade(context, head)
        case .subscribing, .listening:
            walk(context, bytes)
        case .ended: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) { giveUp("connection closed") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { giveUp(ConnectFailure.describe(error)) }

    private func upgrade(_ context: ChannelHandlerContext, _ head: ByteBuffer) {
        var head = head
        do throws(HTTPAnswer.Mistake) {
            switch try Upgrade.read(&head) {
            case .incomplete: phase = .upgrading(head)
            case .refused(let answer): giveUp("HTTP \(answer.status)")
            case .open where loop.plan.transport == .raw:
                phase = .listening
                loop.connected(self)
                if head.readableBytes > 0 { walk(context, head) }
            case .open:
                let frame = CentrifugeText.connectAndSubscribe(loop.plan.channelName(channelIndex))
                context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
                if head.readableBytes > 0 { walk(context, head) }
            }
        } catch {
            giveUp("\(error)")
        }
    }
}
