import FanfareCore
import FanfareWire
import NIOCore

/// The WebSocket to which it may move.
extension EngineIOPolling {
    func take(_ connection: MovedConnection) {
        // Also where it can't be tried any more: it hears so.
        let socket = EngineIOSocket(loop.node.configuration.limits)
        connection.adopt(on: loop, handler: socket) { [self] in
            tries(socket, peer: connection.peer)
            // Before its client, which may not want it any more after these bytes.
            socket.setReading(true)
            socket.hear(connection.bytes)
            loop.flush()
        }
    }

    /// A WebSocket shows this session's id. Where it can't be tried it is closed, after its handshake: an error in place of the handshake
    /// is no answer that every client survives.
    func tries(_ socket: EngineIOSocket, peer: ClientAddress) {
        endIfOverdue()
        guard client?.isOpen == true, machine.phase == .polling, socket.begin(for: self, peer: peer),
            machine.socketCame()
        else { return socket.dismiss() }
        cameBack()
        self.socket = socket
        schedule(EngineIOBounds.upgradeTime)
    }

    func socketSaid(_ packet: EngineIOPacket, on socket: EngineIOSocket) {
        switch machine.socketSaid(packet) {
        case .answerProbe:
            socket.say(EngineIOFrames.probeAnswer)
            if waiting != nil { answerWaiting(EngineIOFrames.noop) }
        case .upgrade: move(to: socket)
        case .close:
            forget(socket)
            socket.dismiss()
        }
    }

    /// Hands the client over, and what no poll has fetched with it.
    private func move(to socket: EngineIOSocket) {
        loop.wheel.cancel(self)
        grantLife()
        loop.flushHub()
        client?.flushTurn()
        guard let client, client.isOpen else { return socket.dismiss() }
        let (pieces, promise) = (frames.pieces, taken)
        (self.client, frames, taken) = (nil, EngineIOFrames(), nil)
        socket.upgraded(inbox)
        inbox = nil
        loop.metrics.counters.add(.engineIOUpgrades)
        loop.metrics.counters.add(.pollingSessions, -1)
        client.move(to: socket)
        for (index, piece) in pieces.enumerated() {
            socket.write(piece, promise: index == pieces.count - 1 ? promise : nil)
        }
        socket.flush()
    }

    /// Pings that waited for the WebSocket could not be answered.
    private func grantLife() { client?.grantLife(now: loop.node.clock.monotonicMicroseconds()) }

    /// A WebSocket is gone: one that was tried, or with one that has the client the session.
    func socketEnded(_ socket: EngineIOSocket) {
        guard self.socket === socket else { return }
        if machine.phase == .upgraded {
            machine.end()
            self.socket = nil
            loop.sessions.remove(self)
        } else {
            machine.socketWent()
            forget(socket)
        }
    }

    /// Polling goes on without it; what waited meanwhile is for the next poll, or the one that waits.
    private func forget(_ socket: EngineIOSocket) {
        guard self.socket === socket else { return }
        self.socket = nil
        loop.wheel.cancel(self)
        grantLife()
        deliver()
    }
}
