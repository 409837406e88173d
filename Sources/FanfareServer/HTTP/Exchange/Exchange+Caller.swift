import FanfareCore

/// What the address of a request may do.
extension Exchange {
    /// Counts one attempt to become a client, or to publish with a token; refuses it where its address has had too many.
    func mayTry() -> Bool {
        let clientAddresses = loop.node.clientAddresses
        guard clientAddresses.groups != nil else { return true }
        let now = loop.node.clock.monotonicMicroseconds()
        guard let group = clientAddresses.group(caller, now: now), !group.mayTry(now: now) else { return true }
        refuse(.addressRate, .tooManyRequests, "too many attempts from this address, try again", retry: true)
        return false
    }

    /// Takes back an attempt of ``mayTry()``: the token was good.
    func hasTried() {
        let clientAddresses = loop.node.clientAddresses
        guard clientAddresses.groups != nil else { return }
        clientAddresses.group(caller, now: loop.node.clock.monotonicMicroseconds())?.tried()
    }
}
