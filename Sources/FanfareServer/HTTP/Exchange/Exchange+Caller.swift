import FanfareCore

/// What the address of a request may do.
extension Exchange {
    /// Counts one attempt to become a client, or to publish with a token; refuses it where its address has had too many.
    func mayTry() -> Bool {
        let callers = loop.node.callers
        guard callers.parties != nil else { return true }
        let now = loop.node.clock.monotonicMicroseconds()
        guard let party = callers.party(caller, now: now), !party.mayTry(now: now) else { return true }
        refuse(.addressRate, .tooManyRequests, "too many attempts from this address, try again", retry: true)
        return false
    }

    /// Takes back an attempt of ``mayTry()``: the token was good.
    func hasTried() {
        let callers = loop.node.callers
        guard callers.parties != nil else { return }
        callers.party(caller, now: loop.node.clock.monotonicMicroseconds())?.tried()
    }
}
