import NIOCore

/// One client's burst must not hold up the others of its event loop: after a turn's work they have theirs.
extension ClientConnection: TurnTaker {
    /// Whether something that came waits for a turn or for the end of a read.
    var waitsForTurn: Bool { isTurnOver || commands.isHeldUp }

    /// Goes on after other clients and the sockets had their turn. Until then the client is not read.
    func waitForTurn() {
        guard !isTurnOver else { return }
        isTurnOver = true
        loop.turns.add(self)
    }

    /// Its turn has come.
    func takeTurn() {
        guard isTurnOver, phase == .open else { return }
        isTurnOver = false
        beginNext()
        drainReader()
    }

    /// The peer has ended: what it published before has its turn now or never.
    func takeLastTurn() {
        guard waitsForTurn, phase == .open else { return }
        drainReader(toTheEnd: true)
    }
}
