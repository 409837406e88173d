import FanfareCore
import FanfareProtocols
import NIOCore

/// A client that goes on over another transport, on its event loop and in its wire format.
extension Client {
    /// What is written from now on goes to `other`, which has a connection of its own. What the old transport had and did not send is the
    /// caller's to send there first.
    func move(to other: any ConnectionTransport) {
        guard isOpen, let channel = other.context?.channel else { return }
        transport = other
        loop.recount(self, as: ClientKind(session.name, over: other.name))
        other.client = self
        writer = directWriter(of: channel)
        if inbound.isPaused { other.setReading(false) }
        openLane()
    }
}
