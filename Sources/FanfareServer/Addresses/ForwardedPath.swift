/// Who sent a request, as far as those say so who are trusted.
struct ForwardedPath {
    /// Where a request comes from.
    struct Origin: Equatable {
        var address: ClientAddress
        /// Whether a trusted machine said something that is no address, so that its own counts.
        var isMalformed = false
    }

    /// Where a proxy says for whom it speaks. Exactly one is read: a proxy that writes one may hand on what a client wrote
    /// into another.
    enum Source: String, Sendable, CaseIterable {
        /// The header field X-Forwarded-For.
        case xForwardedFor = "x-forwarded-for"
        /// The header field Forwarded (RFC 7239).
        case forwarded
        /// The PROXY protocol, before anything else on the connection.
        case proxyProtocol = "proxy-protocol"
        /// Nowhere: the other end of the connection is the client.
        case peer
    }

    let trusted: TrustedNetworks

    /// Walks from the nearest hop to the first that is not trusted: that is the client, and whatever stands to the left of it
    /// is its own invention. Where all are trusted, the farthest is the client.
    func origin(peer: ClientAddress, xForwardedFor fields: [String]) -> Origin {
        origin(peer: peer, hops: ListFromRight(fields, isQuoted: false).lazy.map { ClientAddress(hop: $0) })
    }

    func origin(peer: ClientAddress, forwarded fields: [String]) -> Origin {
        origin(peer: peer, hops: ListFromRight(fields, isQuoted: true).lazy.map { ForwardedElement.client($0) })
    }

    private func origin(peer: ClientAddress, hops: some Sequence<ClientAddress?>) -> Origin {
        var last = peer
        var count = 0
        guard trusted.contains(peer) else { return Origin(address: peer) }
        for hop in hops {
            guard count < Self.maximumHops, let hop else { return Origin(address: last, isMalformed: true) }
            guard trusted.contains(hop) else { return Origin(address: hop) }
            count += 1
            last = hop
        }
        return Origin(address: last)
    }
}
