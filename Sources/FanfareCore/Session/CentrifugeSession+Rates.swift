import FanfareWire

/// What a session says to a client that asks too often.
extension CentrifugeSession {
    /// The rate to which a command is held, besides that of all commands.
    public static func rate(of command: CentrifugeCommand) -> ClientRate? {
        switch command.method {
        case .publish: .publications
        case .subscribe, .subRefresh: .subscriptions
        case .history, .presence, .presenceStats: .reads
        case .connect, .unsubscribe, .ping, .pong, .rpc, .send, .refresh: nil
        }
    }

    /// Refuses a command that came too early.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    public func refuseForNow(_ command: CentrifugeCommand, wait: UInt64) -> Action {
        guard isConnected else { return .disconnect(.badRequest) }
        return refuse(command.id, .tooManyRequests(retryAfter: wait / 1_000 + (wait % 1_000 == 0 ? 0 : 1)))
    }
}
