import NIOCore

/// What a client does with what it receives. The receiving path: nothing is allocated per frame.
extension BenchClient {
    /// Frames of one read. All deliveries in it came at the same moment, so the clock is read once.
    func walk(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
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
                // A second reply to the same command must not count it twice.
                return loop.connected(self)
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
