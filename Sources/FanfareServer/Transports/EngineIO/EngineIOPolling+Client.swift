import FanfareCore
import FanfareWire
import NIOCore

/// What the client asks of its transport.
extension EngineIOPolling {
    var name: TransportName { .engineIOPolling }

    func next(now: UInt64) -> Arrival? {
        guard let client, let packet = inbox?.next() else { return nil }
        guard packet.kind == .close else { return packets.arrival(of: packet, client, now: now) }
        if machine.closed() { answerWaiting(EngineIOFrames.noop) }
        client.lost(.normal)
        return .control
    }

    func turnEnded(now: UInt64) {
        guard let inbox, inbox.isEmpty else { return }
        self.inbox = nil
        machine.posted()
        inbox.taken()
    }

    func seal(_ body: consuming Body) -> ByteBuffer { EngineIOFraming().seal(body) }

    var ping: ByteBuffer { EngineIOFrames.ping }

    var keepAlive: KeepAliveMode? { .serverPingsAnswered }

    var holdsPings: Bool { machine.phase == .upgrading }

    /// Not where it has missed a pong, unless a poll of it waits.
    var hasPeer: Bool { waiting != nil || !isOverdue }

    /// What is in the inbox is bounded, and the POST behind it waits for its answer.
    func setReading(_ isReading: Bool) {}

    /// A POST that is under way has its answer now: nobody reads it any more, and its client may poll only behind it.
    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        if let inbox {
            self.inbox = nil
            machine.posted()
            owed.append { inbox.taken() }
            awaitTurn()
        }
        return (EngineIOFrames.close, .closeSocket)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { WebSocketFrame.boundary(in: bytes, from: taken) }
}
