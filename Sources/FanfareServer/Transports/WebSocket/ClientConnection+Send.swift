import FanfareCore
import FanfareWire
import NIOCore

/// Bytes on their way out: at most one write per client and tick, straight to the socket where nothing waits.
extension ClientConnection {
    /// Sends publications now, behind whatever this tick holds for this client already.
    func deliver(_ bytes: ByteBuffer) {
        guard phase == .open else { return }
        if tokens?.early != nil { return holdBack(bytes) }
        if tick != nil { return enqueue(bytes) }
        loop.metrics.counters.add(.deliveryWrites)
        send(bytes)
    }

    /// Adds publications to this tick, in a buffer that all clients with the same bytes share.
    func enqueue(_ bytes: ByteBuffer) {
        guard phase == .open else { return }
        if tokens?.early != nil { return holdBack(bytes) }
        tickHasDeliveries = true
        if let pending = tick, pending.readableBytes <= TickJoin.sharedBytes {
            tick = loop.join.join(pending, bytes)
        } else {
            reply(bytes)
        }
    }

    /// Adds any ready frames to this tick.
    func reply(_ bytes: ByteBuffer) {
        guard phase == .open else { return }
        if tick == nil {
            tick = bytes
            loop.shard.setLane(self, nil)
            loop.markDirty(self)
        } else {
            tick?.writeImmutableBuffer(bytes)
        }
    }

    /// Writes what the tick brought.
    func flushTick() {
        guard let bytes = tick else { return }
        tick = nil
        if tickHasDeliveries {
            tickHasDeliveries = false
            loop.metrics.counters.add(.deliveryWrites)
        }
        send(bytes)
        openLane()
        noteTaken()
    }

    /// Lets the hub write straight to the socket, as long as nothing waits.
    func openLane() {
        if let writer, phase == .open, tick == nil, outbox.isEmpty, tokens?.early == nil {
            loop.shard.setLane(self, writer)
        }
    }

    /// Hands bytes to the kernel, what it does not take to the outbox.
    func send(_ bytes: ByteBuffer) {
        guard phase == .open || phase == .closing else { return }
        let direct = outbox.isEmpty ? writer : nil
        sent(direct.map { bytes.withUnsafeReadableBytes($0.send) } ?? 0, of: bytes)
    }

    /// The kernel took so many of these bytes: the rest goes the long way, and nothing may overtake it.
    func sent(_ count: Int, of bytes: ByteBuffer) {
        guard count >= 0 else { return lost(.writeError) }
        loop.metrics.counters.add(.bytesSent, count)
        guard count < bytes.readableBytes else { return }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: count)
        loop.shard.setLane(self, nil)
        switch outbox.append(rest, limit: limits.maxQueueBytes) {
        case .write:
            loop.metrics.counters.add(.queueBytes, rest.readableBytes)
            awaitProgress()
            write(chunk: rest)
        case .queued:
            loop.metrics.counters.add(.queueBytes, rest.readableBytes)
        case .overflow:
            end(.slow)
        }
    }

    /// The long way: NIO writes when the socket can take it, then asks for more.
    private func write(chunk: ByteBuffer) {
        guard let context else { return }
        let size = chunk.readableBytes
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { result in bound.value.written(size, result) }
        context.writeAndFlush(wrapOutboundOut(chunk), promise: promise)
    }

    private func written(_ size: Int, _ result: Result<Void, any Error>) {
        loop.metrics.counters.add(.queueBytes, -size)
        guard case .success = result else {
            // NIO has closed the descriptor, or is about to: nothing may be sent any more.
            dropQueue()
            return lost(.writeError)
        }
        loop.metrics.counters.add(.bytesSent, size)
        if let chunk = outbox.completed() {
            awaitProgress()
            write(chunk: chunk)
            return noteTaken()
        }
        slowAt = nil
        noteTaken()
        if phase == .closing {
            closeFrameWritten()
        } else {
            sendNewest()
            openLane()
        }
    }

    /// A part is with the transport: it has to be gone in time.
    private func awaitProgress() {
        slowAt = loop.node.clock.monotonicMicroseconds() + limits.slowTimeout.microseconds
        reschedule()
    }

    /// Forgets what waits and was not handed to NIO.
    func dropQueue() {
        loop.metrics.counters.add(.queueBytes, -outbox.waitingBytes)
        outbox.dropWaiting()
        newest = []
    }
}
