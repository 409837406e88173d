import FanfareCore
import FanfareProtocols
import FanfareWire

/// What a client takes away from others, and with whom it is counted.
struct ClientPlaces {
    /// Where it comes from, for the log.
    var address: ClientAddress?
    /// Whether it holds one of the places of the node's connection limit.
    var isAdmitted = false
    /// Its address, where it holds a place there.
    var ofAddress: ClientGroup?
    /// Its user, with all clients of that user, where something is limited by user; it holds a place there.
    var ofUser: ClientGroup?
    /// Bytes of recovered publications that it has not taken.
    private(set) var recoveredBytes: UInt32 = 0
    /// What its session keeps for it.
    private(set) var kept = KeptBytes()

    /// Takes bytes out of the budgets for what clients missed. Returns whether there were so many.
    mutating func takeRecovery(_ bytes: Int, _ node: NodeContext) -> Bool {
        guard bytes > 0 else { return true }
        let (sum, isTooMuch) = recoveredBytes.addingReportingOverflow(UInt32(clamping: bytes))
        guard !isTooMuch, sum < .max else { return false }
        guard node.recoveries.take(bytes) else { return false }
        guard ofAddress?.recoveries.take(bytes) != false else {
            node.recoveries.give(bytes)
            return false
        }
        recoveredBytes = sum
        return true
    }

    /// Gives them back. Safe to call again; before the client leaves its address.
    mutating func forgetRecovery(_ node: NodeContext) {
        guard recoveredBytes > 0 else { return }
        node.recoveries.give(Int(recoveredBytes))
        ofAddress?.recoveries.give(Int(recoveredBytes))
        recoveredBytes = 0
    }

    /// Counts what its session keeps now.
    mutating func keep(_ bytes: Int, _ loop: LoopState) {
        kept.set(bytes, memory: loop.node.queueMemory, metrics: loop.metrics)
    }

    /// Gives the place among the clients of its user back. Safe to call again.
    mutating func leaveUser() {
        ofUser?.leave()
        ofUser = nil
    }

    /// Gives everything back. Safe to call again.
    mutating func leave(_ node: NodeContext) {
        forgetRecovery(node)
        if isAdmitted { node.admission.leave() }
        isAdmitted = false
        leaveUser()
        ofAddress?.leave()
        ofAddress = nil
    }
}

extension Client {
    /// Takes a place among the clients of its user, which is known now; nobody counts those without a user.
    ///
    /// - Returns: whether there was one.
    func enter(user: ExactText) -> Bool {
        places.leaveUser()
        guard let users = loop.node.users, !user.isEmpty else { return true }
        places.ofUser = users.enter(user, now: loop.node.clock.monotonicMicroseconds())
        return places.ofUser != nil
    }

    /// Refuses a first command for want of a place for its user, and ends the connection: an attempt each, so that it is worth
    /// no more tokens to check. SDKs take the error for temporary and come back after a while.
    func refuseUser() {
        // The log has the end, with the user.
        loop.metrics.refusals.add(.userLimit)
        let retryAfter = UInt64(loop.node.retryAfter) * 1_000
        carryOut(session.crowded(retryAfter: retryAfter))
        end(.tryAgainLater, reason: "too many connections of this user")
    }
}
