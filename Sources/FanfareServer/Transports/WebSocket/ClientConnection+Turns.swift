import NIOCore

/// One client's burst must not hold up the others of its event loop: after some messages they have their turn.
extension ClientConnection {
    /// Messages of one client that are handled at a time: commands take some microseconds each.
    static let messagesPerTurn = 64

    /// Goes on after whatever else the event loop has to do now. Until then the client is not read.
    func waitForTurn() {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.execute { bound.value.takeTurn() }
    }

    private func takeTurn() {
        guard isTurnOver, phase == .open else { return }
        isTurnOver = false
        drainReader()
        loop.flush()
    }

    /// The peer has ended: what came before has its turn now or never.
    func takeLastTurn() {
        guard isTurnOver, phase == .open else { return }
        drainReader(toTheEnd: true)
    }
}
