import FanfareCore
import NIOCore

/// The places of sockets without a session: how many an event loop has, and an address on all of them. Any thread.
///
/// When a loop has none left, the socket for whose request it waits longest gives its own to the one that comes: who says
/// nothing can't keep out who does, from however many addresses it comes. The share keeps an address from doing that to all
/// others; the node's own proxies bring the sockets of many and have none.
final class PendingPlaces: Sendable {
    /// Sockets of one event loop.
    let perLoop: Int
    private let shares: ClientGroups<ClientAddress>
    private let trusted: TrustedNetworks

    init(_ configuration: NodeConfiguration) {
        let limits = configuration.limits
        perLoop = max(1, limits.maxPendingConnections / max(1, configuration.loops))
        shares = ClientGroups(ClientGroup.Allowance(connections: limits.maxPendingConnectionsPerAddress))
        trusted = configuration.trusted
    }

    /// What an address gets.
    enum Share {
        /// No share holds for it.
        case unlimited
        /// One place of its share, to be given back with `ClientGroup.leave`.
        case place(ClientGroup)
        /// It has all that it may have.
        case none
    }

    /// Takes a place out of the share of an address.
    func share(of address: ClientAddress, now: UInt64) -> Share {
        if trusted.contains(address) { return .unlimited }
        guard let group = shares.enter(address.counted, now: now) else { return .none }
        return .place(group)
    }
}

extension LoopState {
    /// Sees to it that there is a place for one more socket without a session.
    ///
    /// - Returns: whether there is; not when all others are about to be answered.
    func makeRoom(for peer: SocketAddress?) -> Bool {
        guard metrics.counters.value(.pendingConnections) >= node.pending.perLoop else { return true }
        guard let oldest = waiting.oldest else {
            metrics.refusals.add(.pendingLimit)
            logRefusal(.pendingLimit, "too many sockets without a session", peer)
            return false
        }
        oldest.giveWay()
        return true
    }
}
