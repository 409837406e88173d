import FanfareCore
import NIOCore

/// What has a place among the sockets without a session: a connection, or a stream of HTTP/2, which is to the node what a
/// connection is.
protocol PendingSocket: AnyObject {
    /// Ends at once to make room for another.
    func giveWay()
}

/// The place of one of them, and where it stands among those that the loop waits for. Belongs to its event loop; holds nothing
/// after ``leave(_:)``.
struct PendingPlace {
    /// What its address gave it; `nil` where no share holds for it.
    private var share: ClientGroup?
    /// -1: the node does not wait for it.
    private var waitingPlace = -1
    /// Whether it is counted.
    private(set) var isCounted = false

    /// Takes a place out of the share of an address, instead of that which it has.
    ///
    /// - Returns: whether there was one; where not, the socket has to be closed.
    mutating func takeShare(of address: ClientAddress, _ loop: LoopState) -> Bool {
        share?.leave()
        share = nil
        switch loop.node.pending.share(of: address, now: loop.node.clock.monotonicMicroseconds()) {
        case .unlimited: return true
        case .place(let group):
            share = group
            return true
        case .none:
            loop.metrics.refusals.add(.pendingAddressLimit)
            loop.logRefusal(.pendingAddressLimit, "the address has its share of the sockets without a session", address)
            return false
        }
    }

    /// Is counted from now on.
    mutating func enter(_ loop: LoopState) {
        guard !isCounted else { return }
        isCounted = true
        loop.metrics.counters.add(.pendingConnections)
    }

    /// Gives everything back. Safe to call again.
    mutating func leave(_ loop: LoopState) {
        stopWaiting(loop)
        share?.leave()
        share = nil
        guard isCounted else { return }
        isCounted = false
        loop.metrics.counters.add(.pendingConnections, -1)
    }

    /// The node waits for the socket, from now on.
    mutating func startWaiting(_ socket: any PendingSocket, _ loop: LoopState) {
        stopWaiting(loop)
        waitingPlace = loop.waiting.append(socket)
    }

    /// The socket waits for the node.
    mutating func stopWaiting(_ loop: LoopState) {
        guard waitingPlace >= 0 else { return }
        loop.waiting.remove(waitingPlace)
        waitingPlace = -1
    }
}
