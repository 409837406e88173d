import FanfareCore
import FanfareWire
import NIOCore

/// Bytes on their way out: at most one write per client and turn, straight to the socket where nothing waits.
extension Client {
    /// Sends publications now, behind whatever this turn holds for this client already.
    func deliver(_ bytes: ByteBuffer) {
        guard isOpen else { return hold(SplitFrame(body: bytes)) }
        if tokens?.early != nil { return holdBack(bytes) }
        if !outbound.turn.isEmpty { return enqueue(bytes) }
        loop.metrics.counters.add(.deliveryWrites)
        send(bytes)
    }

    /// Adds publications to this turn, as references to bytes that all their clients share.
    func enqueue(_ bytes: ByteBuffer) {
        guard isOpen else { return hold(SplitFrame(body: bytes)) }
        if tokens?.early != nil { return holdBack(bytes) }
        let isCredited = loop.shard.isRepairing
        guard makeRoom(for: bytes.readableBytes, isCredited) else { return }
        outbound.turn.append(bytes, isCredited: isCredited, join: &loop.join)
        outbound.turn.hasDeliveries = true
    }

    /// Adds a message of its protocol to this turn.
    func reply(_ body: consuming Body) {
        guard let frame = transport?.sealWhole(body) else { return }
        reply(frame)
    }

    /// As ``answer(_:)`` of ready frames.
    func answer(_ body: consuming Body) {
        guard let transport else { return }
        guard !body.rest.isEmpty, let head = transport.head(of: body) else { return answer(transport.sealWhole(body)) }
        let count = head.readableBytes + body.rest.reduce(0) { $0 + $1.readableBytes }
        guard isOpen, makeRoom(for: count, true) else { return }
        outbound.turn.append([head] + body.rest, isCredited: true)
    }

    /// Adds any ready frames to this turn.
    func reply(_ bytes: ByteBuffer) {
        guard isOpen, makeRoom(for: bytes.readableBytes, false) else { return }
        outbound.turn.append(bytes)
    }

    /// Adds an answer that the node owes this client and that may be bigger than its limit: see ``Outbox``.
    func answer(_ bytes: ByteBuffer) {
        guard isOpen, makeRoom(for: bytes.readableBytes, true) else { return }
        outbound.turn.append(bytes, isCredited: true)
    }

    /// Whether an answer is not with the kernel yet. Then the next one has to wait.
    var hasAnswerWaiting: Bool { outbound.outbox.credit > 0 || outbound.turn.credit > 0 }

    /// Makes sure that so many bytes more may wait, before they do. The kernel is asked first; ends a client that has too
    /// much. Marks the turn as one that has something for this client.
    func makeRoom(for count: Int, _ isCredited: Bool) -> Bool {
        if !outbound.turn.isEmpty, outbound.turn.bytes + count > Self.writeBytes || isTooMuch(count) {
            flushTurn()
            guard isOpen else { return false }
        }
        if !isCredited, isTooMuch(count) {
            endForQueue()
            return false
        }
        if outbound.turn.isEmpty {
            loop.shard.setLane(self, nil)
            loop.markDirty(self)
        }
        return true
    }

    private func endForQueue() {
        end(.slow, reason: "slow consumer: \(outbound.outbox.bytes) bytes wait and more came")
    }

    private func isTooMuch(_ count: Int) -> Bool {
        let live = outbound.outbox.liveBytes + outbound.turn.liveBytes
        return live > 0 && live + count > limits.maxQueueBytes
    }

    /// Writes what the turn brought.
    func flushTurn() {
        guard isOpen, !outbound.turn.isEmpty else { return }
        let pending = outbound.turn
        outbound.turn = PendingBytes()
        if pending.hasDeliveries { loop.metrics.counters.add(.deliveryWrites) }
        if let only = pending.single {
            send(only.bytes, isCredited: only.isCredited)
        } else {
            send(pending.pieces)
        }
        openLane()
        noteTaken()
    }

    /// Lets the hub write straight to the socket, as long as nothing waits.
    func openLane() {
        if let writer, isOpen, mayHaveLane, outbound.turn.isEmpty, outbound.outbox.isEmpty, tokens?.early == nil {
            loop.shard.setLane(self, writer)
        }
    }

    /// Hands bytes to the kernel, what it does not take to the outbox.
    func send(_ bytes: ByteBuffer) { send(bytes, isCredited: loop.shard.isRepairing) }

    private func send(_ bytes: ByteBuffer, isCredited: Bool) {
        guard isOpen || life.phase == .closing else { return }
        let direct = outbound.outbox.isEmpty ? writer : nil
        sent(direct.map { bytes.withUnsafeReadableBytes($0.send) } ?? 0, of: bytes, isCredited: isCredited)
    }

    private func send(_ pieces: [PendingBytes.Piece]) {
        let direct = outbound.outbox.isEmpty ? writer : nil
        var count = direct?.send(pieces) ?? 0
        guard count >= 0 else { return lost(.writeError) }
        for (index, piece) in pieces.enumerated() where isOpen {
            let taken = min(count, piece.bytes.readableBytes)
            count -= taken
            let behind = piece.part == .head ? Self.rest(behind: index, pieces) : 0
            sent(taken, of: piece.bytes, isCredited: piece.isCredited, piece.part, behind: behind)
        }
    }

    private static func rest(behind head: Int, _ pieces: [PendingBytes.Piece]) -> Int {
        pieces[(head + 1)...].prefix { $0.part == .rest }.reduce(0) { $0 + $1.bytes.readableBytes }
    }

    /// The kernel took so many of these bytes: the rest goes the long way, and nothing may overtake it.
    func sent(_ count: Int, of bytes: ByteBuffer) { sent(count, of: bytes, isCredited: loop.shard.isRepairing) }

    func sent(_ count: Int, of bytes: ByteBuffer, isCredited: Bool, _ part: FramePart = .whole, behind: Int = 0) {
        guard count >= 0 else { return lost(.writeError) }
        loop.metrics.counters.add(.bytesSent, count)
        guard count < bytes.readableBytes else { return }
        loop.shard.setLane(self, nil)
        // A close frame is not refused: a client that is slow has to hear that it is.
        let limit = life.phase == .closing ? Int.max : limits.maxQueueBytes
        let verdict = outbound.outbox.append(
            loop.queued.entry(for: bytes), taken: count, isCredited: isCredited, part: part, behind: behind,
            limit: limit)
        guard verdict != .overflow else { return endForQueue() }
        loop.metrics.counters.add(.queueBytes, bytes.readableBytes - count)
        guard verdict == .write else { return }
        outbound.behindSince = loop.node.clock.monotonicMicroseconds()
        writeChunk()
    }

    /// The long way: NIO writes when the socket can take it, then asks for more. The chunk has to be gone in time.
    private func writeChunk() {
        guard let transport else { return }
        let size = outbound.outbox.next()
        guard size > 0 else { return }
        awaitProgress()
        let promise = loop.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        promise.futureResult.whenComplete { result in bound.value.written(size, result) }
        // A copy is walked: a write to a channel that has closed fails at once, and that changes the outbox.
        let begun = outbound.outbox
        begun.forEachPart { part, isLast in
            transport.write(part, promise: isLast ? promise : nil)
        }
        transport.flush()
    }

    private func written(_ size: Int, _ result: Result<Void, any Error>) {
        // Whoever has ended has let go of everything.
        guard life.phase != .ended else { return }
        loop.metrics.counters.add(.queueBytes, -size)
        outbound.outbox.completed()
        guard case .success = result else {
            // NIO has closed the descriptor, or is about to: nothing may be sent any more.
            dropQueue()
            return lost(.writeError)
        }
        loop.metrics.counters.add(.bytesSent, size)
        if !outbound.outbox.isEmpty {
            writeChunk()
        } else {
            deadlines.slow = ClientDeadlines.never
            if life.phase == .closing {
                farewellWritten()
            } else {
                sendNewest()
                openLane()
            }
        }
        noteTaken()
    }

    private func awaitProgress() {
        let now = loop.node.clock.monotonicMicroseconds()
        if life.phase == .closing {
            // The time for the peer's farewell begins when it can have ours.
            deadlines.phase = now + limits.closeTimeout.microseconds
        } else {
            deadlines.slow = now + limits.slowTimeout.microseconds
        }
        reschedule()
    }

    /// Forgets what waits and was not handed to NIO, but for the end of a message that has begun.
    func dropQueue() {
        let dropped = outbound.outbox.dropWaiting { [transport] bytes, taken in
            transport?.boundary(in: bytes, from: taken) ?? taken
        }
        loop.metrics.counters.add(.queueBytes, -dropped)
        outbound.newest = []
    }

    /// Forgets all that waits: the client is gone.
    func clearQueue() {
        loop.metrics.counters.add(.queueBytes, -outbound.outbox.bytes)
        outbound.outbox.removeAll()
        outbound.newest = []
    }
}
