import NIOCore

/// One client that listens to one channel: handshake, frames, pings, and a judgement of every delivery. Belongs to its
/// event loop; makes no object per frame.
final class BenchClient: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How far it is.
    private enum Phase {
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
    private let loop: ClientLoop
    private var phase = Phase.upgrading(ByteBuffer())
    private var walker: FrameWalker
    private var checker = SequenceChecker()
    private var context: ChannelHandlerContext?

    /// Whether it is connected or never will be.
    var isSettled: Bool {
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

    /// Frames of one read. All deliveries in it came at the same moment, so the clock is read once.
    private func walk(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        let now = MonotonicClock.microseconds
        let (received, missing) = (loop.tally.received, loop.missing)
        do throws(FrameWalker.Mistake) {
            try walker.walk(bytes) { kind, payload in
                switch kind {
                case .text, .binary: message(context, payload, now: now)
                case .ping: pong(context, payload)
                case .pong: break
                case .close: giveUp(CloseText.describe(payload))
                }
            }
        } catch {
            giveUp("\(error)")
        }
        guard loop.tally.received != received else { return }
        loop.tally.lastAt = now
        LiveCounts.add(loop.tally.received - received, to: loop.counts.received)
        if loop.missing != missing { LiveCounts.add(loop.missing - missing, to: loop.counts.missing) }
    }

    @inline(__always)
    private func message(_ context: ChannelHandlerContext, _ payload: UnsafeRawBufferPointer, now: Int64) {
        switch phase {
        case .listening where loop.plan.transport == .raw:
            // A quote, then the stamp.
            judge(Stamp.read(payload, at: 1), now: now)
        case .listening:
            if CentrifugeText.isPing(payload) { return answerPing(context) }
            centrifugeMessage(payload, now: now)
        case .subscribing: subscribeReply(context, payload)
        case .upgrading, .ended: break
        }
    }

    /// A message of several lines may hold several publications.
    @inline(__always)
    private func centrifugeMessage(_ payload: UnsafeRawBufferPointer, now: Int64) {
        var offset = 0
        var hasStamp = false
        while let place = CentrifugeText.findStamp(payload, from: offset) {
            let stamp = Stamp.read(payload, at: place)
            // A channel may have the magic in its name; then the stamp begins soon after.
            let isOurs = stamp?.run == loop.run
            if isOurs { judge(stamp, now: now) }
            hasStamp = hasStamp || isOurs
            offset = place + (isOurs ? Stamp.length : 8)
        }
        if !hasStamp, CentrifugeText.isPush(payload) { loop.tally.foreign += 1 }
    }

    @inline(__always)
    private func judge(_ stamp: Stamp?, now: Int64) {
        guard let stamp, stamp.run == loop.run, stamp.channel == channelIndex, stamp.sentAt <= now else {
            loop.tally.foreign += 1
            return
        }
        loop.tally.received += 1
        switch checker.note(stamp.sequence) {
        case .next: break
        case .skipped(let count): loop.missing += count
        case .late:
            loop.missing -= 1
            loop.tally.outOfOrder += 1
        case .repeated:
            loop.tally.repeated += 1
            return
        }
        loop.tally.latency.record(UInt64(now - stamp.sentAt))
    }

    private func subscribeReply(_ context: ChannelHandlerContext, _ payload: UnsafeRawBufferPointer) {
        if CentrifugeText.isPing(payload) { return answerPing(context) }
        for line in payload.split(separator: UInt8(ascii: "\n")) {
            switch CentrifugeText.reply(UnsafeRawBufferPointer(rebasing: line)) {
            case .failure(_, let code, _): return giveUp("Centrifuge error \(code)")
            case .success(CentrifugeText.subscribeID):
                phase = .listening
                loop.connected(self)
            case .success, .none: break
            }
        }
    }

    private func answerPing(_ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(CentrifugeText.pong), promise: nil)
    }

    private func pong(_ context: ChannelHandlerContext, _ payload: UnsafeRawBufferPointer) {
        var frame = ByteBuffer()
        ClientFrame.write(.pong, payload, into: &frame)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
}
