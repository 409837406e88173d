import FanfareWire

/// What a node has sent to others for its clients and waits to hear of: bounded for each session, in number and in bytes. A pure
/// state machine.
struct EmulationRequests {
    private var ofSession: [SessionID: Int] = [:]
    private(set) var count = 0
    private(set) var bytes = 0

    /// A request begins; ``end(_:bytes:)`` follows. Returns whether it may: a single one is never too large.
    mutating func begin(_ session: SessionID, bytes: Int) -> Bool {
        let own = ofSession[session] ?? 0
        guard own < EmulationBounds.requestsOfSession, count < EmulationBounds.requests,
            count == 0 || self.bytes + bytes <= EmulationBounds.requestBytes
        else { return false }
        ofSession[session] = own + 1
        count += 1
        self.bytes += bytes
        return true
    }

    /// One that began has its answer, or will not get one.
    mutating func end(_ session: SessionID, bytes: Int) {
        guard let own = ofSession[session] else { return }
        ofSession[session] = own > 1 ? own - 1 : nil
        count -= 1
        self.bytes -= bytes
    }
}
