import FanfareCore
import FanfareWire
import NIOCore

/// How a client ends: we end it, it ends itself, or the connection breaks. Each counts once, by its code.
extension Client {
    /// Ends the session with a farewell: leaves the hub now, the socket when the peer answered or after a deadline.
    ///
    /// - Parameters:
    ///   - reason: more than the table says, for the client and for the log.
    ///   - farewell: the last bytes, when they are not what the transport says.
    func end(_ disconnect: Disconnect, reason: String? = nil, farewell: ByteBuffer? = nil) {
        guard isOpen, let transport else { return }
        let disconnect = session.end(disconnect)
        guard transport.hasPeer else { return lost(disconnect) }
        var words = ByteBuffer()
        switch disconnect {
        case .slow:
            // What it did not take is worthless to it: the farewell goes right behind the message under way.
            outbound.turn = PendingBytes()
            dropQueue()
            for body in session.farewells(disconnect) { words.writeImmutableBuffer(transport.sealWhole(body)) }
        default:
            for body in session.farewells(disconnect) { reply(body) }
            flushTurn()
        }
        let last = transport.farewell(disconnect, reason: reason ?? disconnect.reason)
        guard life.close(then: last.then) else { return }
        logEnd(disconnect, reason)
        leave(disconnect)
        deadlines.phase = loop.node.clock.monotonicMicroseconds() + limits.closeTimeout.microseconds
        reschedule()
        // A client that was held back must be heard again, or its farewell is not.
        setPaused(false)
        words.writeImmutableBuffer(farewell ?? last.bytes)
        send(words)
        if life.phase == .closing, outbound.outbox.isEmpty { farewellWritten() }
    }

    /// Ends a client because all queues of the node together are too big. Its memory is wanted now: where most of a big
    /// message is still to come, there is no time for a farewell behind it.
    func endForMemory() {
        let (waiting, kept) = (outbound.outbox.bytes, places.kept.count)
        let more = kept > 0 ? ", \(kept) more are kept for it" : ""
        end(.slow, reason: "slow consumer: \(waiting) bytes wait\(more), and the node's queues are full")
        if life.phase == .closing, outbound.outbox.bytes > 2 * Outbox.chunkBytes { close() }
    }

    /// Our farewell is with the kernel.
    func farewellWritten() {
        switch life.farewellWritten() {
        case .awaitPeer, nil: break
        case .endOutput:
            // Reading on keeps the unread bytes of the peer from turning our close into a reset that eats the farewell.
            writer = nil
            transport?.closeOutput()
        case .closeSocket: close()
        }
    }

    /// The connection is broken: nothing can be said any more.
    func lost(_ disconnect: Disconnect) {
        let (hadConnection, hadSession) = life.lose()
        if hadSession {
            logEnd(disconnect, nil)
            leave(disconnect)
        }
        if hadConnection { close() }
    }

    /// Closes the connection; ``finish()`` follows.
    func close() {
        writer = nil
        transport?.close()
    }

    /// The one exit. Safe to call again.
    func finish() {
        switch life.finish() {
        case nil: return
        case .open: leave(.abnormal)
        case .opening: loop.shard.leave(self)
        case .closing, .ended: break
        }
        writer = nil
        outbound.turn = PendingBytes()
        opening = nil
        tokens = nil
        clearQueue()
        loop.wheel.cancel(self)
        loop.node.formats.release(wireFormat)
        for (_, format) in formats { loop.node.formats.release(format) }
        formats = []
        places.leave(loop.node)
        transport = nil
    }

    private func leave(_ disconnect: Disconnect) {
        session.forgetKept()
        places.keep(session.keptBytes, loop)
        loop.metrics.count(disconnect)
        loop.shard.leave(self)
        loop.remove(self)
        leaveName()
    }
}
