import FanfareCore
import FanfareWire

/// How a session begins and ends.
extension STOMPSession {
    mutating func connect(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        guard !isConnected, asking == nil else { throw STOMPError("CONNECT came twice") }
        guard let version = STOMPVersion.newest(of: frame["accept-version"]) else {
            return fail(
                STOMPError("no common version: this server speaks \(STOMPVersion.list)"), versions: STOMPVersion.list)
        }
        reader.version = version
        wantsHeartBeats = try Self.wantsHeartBeats(frame["heart-beat"]) && version > .v10 && policy.heartBeat > 0
        if let token = frame.token ?? requestToken, !policy.ignoresTokens {
            asking = frame
            return .authenticate(token, .connection)
        }
        let grants = Grants(anonymous: policy.permissions)
        guard grants.mayConnect else { throw STOMPError("unauthorized", .invalidToken) }
        return welcome(grants)
    }

    /// `<cx>,<cy>`: every how many milliseconds the client can send something, and wants to hear something; 0: not at all.
    private static func wantsHeartBeats(_ text: ExactText?) throws(STOMPError) -> Bool {
        guard let text else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: ","), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ part in
                (1...19).contains(part.count)
                    && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            })
        else { throw STOMPError("heart-beat is not two numbers of milliseconds") }
        return parts[1].contains { $0 != UInt8(ascii: "0") }
    }

    mutating func welcome(_ grants: Grants) -> SessionAction {
        self.grants = grants
        return .send(
            STOMPWriter.connected(version, session: clientID, server: policy.server, heartBeat: policy.heartBeat))
    }

    mutating func disconnect(_ frame: STOMPFrame) -> SessionAction {
        leaving = .some(frame["receipt"])
        // Nothing can commit them any more.
        transactions = STOMPTransactions()
        return .all(leaveWhenDone())
    }

    /// Ends a client that said DISCONNECT, when all that it published has its outcome and it has all receipts.
    func leaveWhenDone() -> [SessionAction] {
        guard let leaving, calls.isEmpty, subscriptions.allSatisfy({ $0.receipt == nil }) else { return [] }
        return receipt(leaving) + [.disconnect(.normal)]
    }

    /// What answers a frame that is done: its receipt, if it asked for one.
    func receipt(_ id: ExactText?) -> [SessionAction] { id.map { [.send(STOMPWriter.receipt($0, version))] } ?? [] }
}
