import FanfareCore
import NIOCore
import NIOHTTP1

/// Where requests come from, and what their addresses may do.
extension FrontHandler {
    /// The other end of the connection, or for whom it speaks by the PROXY protocol.
    var peer: ClientAddress {
        // A peer that has gone has no address, and nothing that is decided about it matters.
        proxied ?? ClientAddress(context?.channel.remoteAddress) ?? ClientAddress(high: 0, low: 0)
    }

    /// Who sent the current request. Found out when somebody asks, once for each request: a proxy sends those of many clients
    /// on one connection.
    func caller(_ head: HTTPRequestHead) -> Callers.Caller {
        if let knownCaller { return knownCaller }
        let caller = loop.node.callers.caller(peer: peer, head.headers)
        knownCaller = caller
        return caller
    }

    /// Counts one attempt to become a client, or to publish with a token; refuses it where its address has had too many.
    func mayTry(_ head: HTTPRequestHead) -> Bool {
        let callers = loop.node.callers
        guard callers.parties != nil else { return true }
        let now = loop.node.clock.monotonicMicroseconds()
        let caller = caller(head)
        guard let party = callers.party(caller, now: now), !party.mayTry(now: now) else { return true }
        refuse(.addressRate, .tooManyRequests, "too many attempts from this address, try again", retry: true)
        return false
    }

    /// Takes back an attempt of ``mayTry(_:)``: the token was good.
    func hasTried(_ head: HTTPRequestHead) {
        let callers = loop.node.callers
        guard callers.parties != nil else { return }
        callers.party(caller(head), now: loop.node.clock.monotonicMicroseconds())?.tried()
    }

    /// Takes a place among the clients of its address.
    ///
    /// - Returns: whether there was one.
    func takePlace(_ client: ClientConnection, _ head: HTTPRequestHead) -> Bool {
        let callers = loop.node.callers
        guard let parties = callers.parties else { return true }
        let now = loop.node.clock.monotonicMicroseconds()
        let caller = caller(head)
        guard !caller.isTrusted else { return true }
        client.addressParty = parties.enter(caller.address.counted, now: now)
        return client.addressParty != nil
    }
}
