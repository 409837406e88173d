import FanfareCore
import NIOCore
import NIOSSL

/// The time in which the node waits for its client: for a request, for its end, or for the next one. Who is waited for gives
/// way when a place is needed; who is waiting for us does not.
extension HTTPConnection: PendingSocket {
    /// Becomes one of the sockets without a session.
    func enter() {
        place.enter(loop)
        restartDeadline()
    }

    /// This socket is no longer one without a session. Safe to call again.
    func leave() {
        loop.wheel.cancel(self)
        place.leave(loop)
    }

    /// Becomes one of them again, behind an answer that took its time.
    ///
    /// - Returns: whether there is a place; where not, the connection has to end.
    func comesBack() -> Bool {
        guard !place.isCounted else { return true }
        guard let context, takeShare(of: peer), loop.makeRoom(for: context.channel.remoteAddress) else { return false }
        enter()
        return true
    }

    func restartDeadline() {
        if place.isCounted { startWaiting() }
        loop.wheel.schedule(
            self,
            at: loop.node.clock.monotonicMicroseconds() + limits.handshakeTimeout.microseconds
        )
    }

    func startWaiting() { place.startWaiting(self, loop) }

    func stopWaiting() { place.stopWaiting(loop) }

    /// Takes a place out of the share of the address for which the socket speaks, instead of that which it has.
    ///
    /// - Returns: whether there was one; where not, the socket has to be closed.
    func takeShare(of address: ClientAddress) -> Bool { place.takeShare(of: address, loop) }

    /// Ends at once to make room for another socket. A request of which a part has come gets an answer, if the kernel takes it.
    func giveWay() {
        switch state {
        case .receiving:
            refuse(.pendingLimit, .serviceUnavailable, "too many requests wait here, try again", retry: true)
        case .idle where !hasAnswered:
            loop.metrics.refusals.add(.pendingLimit)
            loop.logRefusal(.pendingLimit, "too many sockets without a session, and this one is silent longest", peer)
        // One that was kept for another request, or has its last answer, and was refused nothing.
        default: break
        }
        state = .done
        leave()
        abort()
    }

    /// Closes the socket itself. TLS would first say so and wait for an answer, with a descriptor that another needs.
    func abort() {
        guard let context else { return }
        let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (tls ?? context).close(promise: nil)
    }
}
