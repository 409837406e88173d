import FanfareCore
import FanfareWire

/// Whom the client is counted with.
extension ClientConnection {
    /// Takes a place among the clients of its user, which is known now; nobody counts those without a user.
    ///
    /// - Returns: whether there was one.
    func enter(user: ExactText) -> Bool {
        leaveParty()
        guard let users = loop.node.users, !user.isEmpty else { return true }
        party = users.enter(user, now: loop.node.clock.monotonicMicroseconds())
        return party != nil
    }

    /// Gives the place back. Safe to call again.
    func leaveParty() {
        party?.leave()
        party = nil
    }

    /// Refuses a `connect` for want of a place for its user, and ends the connection: an attempt each, so that it is worth no
    /// more tokens to check. SDKs take the error for temporary and come back after a while.
    func refuseUser(_ command: CentrifugeCommand) {
        // The log has the end, with the user.
        loop.metrics.refusals.add(.userLimit)
        let retryAfter = UInt64(loop.node.retryAfter) * 1_000
        carryOut { $0.crowded(command, retryAfter: retryAfter) }
        end(.tryAgainLater, reason: "too many connections of this user")
    }
}
