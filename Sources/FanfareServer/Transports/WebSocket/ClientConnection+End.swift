import FanfareCore
import FanfareWire
import NIOCore

/// How a client ends: we close it, it closes itself, or the connection breaks. Each counts once, by its code.
extension ClientConnection {
    /// Ends the session with a close frame: leaves the hub now, the socket when the peer answered or after a deadline.
    ///
    /// - Parameters:
    ///   - reason: more than the table says, for the client's log.
    ///   - frame: the close frame, when it is not what the table says.
    func end(_ disconnect: Disconnect, reason: String? = nil, frame: ByteBuffer? = nil) {
        guard phase == .open else { return }
        switch disconnect {
        case .slow:
            // What it did not take is worthless to it: the close frame goes right behind the frame under way.
            tick = PendingBytes()
            dropQueue()
        default:
            flushTick()
            guard phase == .open else { return }
        }
        phase = .closing
        logEnd(disconnect, reason)
        leave(disconnect)
        afterClose =
            switch disconnect {
            case .normal: .closeSocket
            case .protocolError, .invalidPayload, .policyViolation, .messageTooBig: .endOutput
            default: .awaitPeer
            }
        deadline = loop.node.clock.monotonicMicroseconds() + limits.closeTimeout.microseconds
        reschedule()
        // A client that was held back must be heard again, or its close frame is not.
        setPaused(false)
        send(frame ?? WebSocketFrame.close(code: disconnect.code, reason: reason ?? disconnect.reason))
        if phase == .closing, outbox.isEmpty { closeFrameWritten() }
    }

    /// Ends a client because all queues of the node together are too big. Its memory is wanted now: where most of a big
    /// frame is still to come, there is no time for a close frame behind it.
    func endForMemory() {
        let waiting = outbox.bytes
        end(.slow, reason: "slow consumer: \(waiting) bytes wait, and the node's queues are full")
        if phase == .closing, outbox.bytes > 2 * Outbox.chunkBytes { closeSocket() }
    }

    /// Our close frame is with the kernel (RFC 6455 §7.1.1: the server ends the connection first).
    func closeFrameWritten() {
        switch afterClose {
        case .awaitPeer: break
        case .endOutput:
            // Reading on keeps the unread bytes of the peer from turning our close into a reset that eats the frame.
            writer = nil
            context?.close(mode: .output, promise: nil)
        case .closeSocket: closeSocket()
        }
    }

    /// The connection is broken: nothing can be said any more.
    func lost(_ disconnect: Disconnect) {
        guard phase == .open || phase == .closing else { return }
        if phase == .open {
            logEnd(disconnect, nil)
            leave(disconnect)
        }
        phase = .closing
        closeSocket()
    }

    /// Closes the socket; `channelInactive` follows.
    func closeSocket() {
        writer = nil
        context?.close(promise: nil)
    }

    /// The one exit. Safe to call again.
    func finish() {
        guard phase != .ended else { return }
        if phase == .open { leave(.abnormal) }
        if phase == .opening { loop.shard.leave(self) }
        phase = .ended
        writer = nil
        tick = PendingBytes()
        onSubscribed = nil
        tokens = nil
        commands.clear()
        clearQueue()
        forgetRecovery()
        loop.wheel.cancel(self)
        loop.node.formats.release(wireFormat)
        if admitted {
            admitted = false
            loop.node.admission.leave()
        }
        leaveParty()
        addressParty?.leave()
        addressParty = nil
    }

    private func leave(_ disconnect: Disconnect) {
        loop.metrics.count(disconnect)
        loop.shard.leave(self)
        loop.remove(self)
    }
}
