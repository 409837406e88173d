import FanfareCore

/// Places for those that stay.
extension Exchange {
    /// Takes a place for a client that may come: on the node, of its address, of its user. Where there is none, the request is
    /// refused.
    ///
    /// - Parameter make: the client, once there is a place on the node.
    func admit(_ make: () -> Client) -> Client? {
        guard loop.node.connectRate.take(now: loop.node.clock.monotonicMicroseconds()) else {
            refuse(.connectRate, .serviceUnavailable, "too many clients come at once, try again", retry: true)
            return nil
        }
        guard loop.node.admission.enter() else {
            refuse(.connectionLimit, .serviceUnavailable, "the node is full, try again", retry: true)
            return nil
        }
        let client = make()
        client.places.isAdmitted = true
        client.places.address = caller.address
        guard takePlace(client) else {
            client.finish()
            refuse(.addressLimit, .tooManyRequests, "this address has too many connections, try again", retry: true)
            return nil
        }
        guard client.enter(user: client.session.user) else {
            client.finish()
            refuse(.userLimit, .tooManyRequests, "this user has too many connections, try again", retry: true)
            return nil
        }
        return client
    }

    /// Takes a place among the clients of its address.
    ///
    /// - Returns: whether there was one.
    private func takePlace(_ client: Client) -> Bool {
        let clientAddresses = loop.node.clientAddresses
        guard let groups = clientAddresses.groups else { return true }
        let now = loop.node.clock.monotonicMicroseconds()
        guard !caller.isTrusted else { return true }
        client.places.ofAddress = groups.enter(caller.address.counted, now: now)
        return client.places.ofAddress != nil
    }
}
