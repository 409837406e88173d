/// Where a client is in its life. However it ends, it passes each state once, and what an end asks for is asked for once.
struct ClientLife {
    enum Phase: Equatable {
        /// Its request waits for its answer.
        case opening
        /// In session.
        case open
        /// Its last bytes are on their way; what still comes in is thrown away.
        case closing
        /// Gone.
        case ended
    }

    private(set) var phase = Phase.opening
    private var afterFarewell = AfterLastBytes.closeSocket

    /// The session begins. Returns whether it does.
    mutating func begin() -> Bool {
        guard phase == .opening else { return false }
        phase = .open
        return true
    }

    /// The node or the peer ends the session: the farewell is to be sent. Returns whether there was a session.
    mutating func close(then afterFarewell: AfterLastBytes) -> Bool {
        guard phase == .open else { return false }
        phase = .closing
        self.afterFarewell = afterFarewell
        return true
    }

    /// The farewell is with the kernel. Returns what follows; `nil`: nothing.
    func farewellWritten() -> AfterLastBytes? { phase == .closing ? afterFarewell : nil }

    /// The connection is of no use any more: it is to be closed, and nothing can be said. Returns whether there was one, and
    /// whether a session ends with it.
    mutating func lose() -> (hadConnection: Bool, hadSession: Bool) {
        let result = (phase == .open || phase == .closing, phase == .open)
        if result.0 { phase = .closing }
        return result
    }

    /// The connection is gone. Returns in which phase; `nil`: it was gone before.
    mutating func finish() -> Phase? {
        guard phase != .ended else { return nil }
        defer { phase = .ended }
        return phase
    }
}
