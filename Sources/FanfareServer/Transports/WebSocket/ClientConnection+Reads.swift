import FanfareCore
import FanfareWire
import NIOCore

/// What a client reads from the broker: one thing at a time, and only while little waits for it.
///
/// An answer counts before it is read. A client that does not take its answers is not read further, and ends by its slow
/// timeout; what it holds of the node is one answer, whatever it asked for.
extension ClientConnection {
    /// Whether the client has taken enough to be given another answer.
    var hasRoom: Bool { !hasAnswerWaiting && outbox.bytes + tick.bytes <= limits.maxQueueBytes / 4 }

    /// Bytes of publications or members in one answer, about: with what may wait already it fits the queue.
    var mostAnswerBytes: Int { limits.maxQueueBytes / 2 }

    /// A subscription is answered. If it had a recovery, the client goes on after what is under way now.
    func recoveryEnded(_ request: UInt32) {
        if commands.endRecovery(request), isPaused { waitForTurn() }
    }

    /// Sends the answer to a read, and charges its bytes.
    func answerRead(_ body: consuming Body) {
        let frame = Self.framing.seal(body)
        throttle.answered(bytes: frame.readableBytes, loop.node.rates, now: loop.node.clock.monotonicMicroseconds())
        answer(frame)
    }

    /// The client has taken something, or all: a command that waited for that may begin.
    func noteTaken() {
        if recoveredBytes > 0, !hasAnswerWaiting { forgetRecovery() }
        if commands.isHeldUp, !commands.isReading, hasRoom, phase == .open { waitForTurn() }
    }
}

/// What a client missed is the biggest answer there is: the node holds a budget of such bytes that wait for clients.
extension ClientConnection {
    /// Whether something may be read for a client that comes back.
    var mayRecover: Bool { loop.node.recoveries.hasRoom && addressParty?.recoveries.hasRoom != false }

    /// Takes the bytes of an answer out of the budgets of node and address; they are given back when the client has taken
    /// everything. Returns whether there were so many.
    func takeRecovery(_ bytes: Int) -> Bool {
        guard bytes > 0 else { return true }
        guard loop.node.recoveries.take(bytes) else { return false }
        guard addressParty?.recoveries.take(bytes) != false else {
            loop.node.recoveries.give(bytes)
            return false
        }
        recoveredBytes += bytes
        throttle.recovered(bytes: bytes, loop.node.rates, now: loop.node.clock.monotonicMicroseconds())
        return true
    }

    /// Gives them back. Safe to call again; before the client leaves its address.
    func forgetRecovery() {
        guard recoveredBytes > 0 else { return }
        loop.node.recoveries.give(recoveredBytes)
        addressParty?.recoveries.give(recoveredBytes)
        recoveredBytes = 0
    }
}
