import NIOCore

/// One client's burst must not hold up the others of its event loop: after a turn's work they have theirs.
extension Client: TurnTaker {
    /// Whether something that came waits for a turn or for the end of a read.
    var waitsForTurn: Bool { inbound.isTurnOver || isReadingOrWaiting }

    /// Goes on after other clients and the sockets had their turn. Until then the client is not read.
    func waitForTurn() {
        guard !inbound.isTurnOver else { return }
        inbound.isTurnOver = true
        loop.turns.add(self)
    }

    /// Its turn has come.
    func takeTurn() {
        guard inbound.isTurnOver, isOpen else { return }
        inbound.isTurnOver = false
        beginNext()
        catchUp()
        received()
    }

    /// The peer has ended: what it published before has its turn now or never.
    func takeLastTurn() {
        guard waitsForTurn, isOpen else { return }
        received(toTheEnd: true)
    }
}
