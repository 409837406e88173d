import FanfareWire

extension CentrifugeCommand {
    fileprivate var isConnect: Bool { if case .connect = method { true } else { false } }
}

/// What a session says to a client that asks too often.
extension CentrifugeSession {
    /// The rate to which a command is held, besides that of all commands.
    public static func rate(of command: CentrifugeCommand) -> ClientRate? {
        switch command.method {
        case .publish: .publications
        case .subscribe, .subRefresh, .refresh, .connect: .subscriptions
        case .history, .presence, .presenceStats: .reads
        case .unsubscribe, .ping, .pong, .rpc, .send: nil
        }
    }

    /// Refuses a command that came too early.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    public func refuseForNow(_ command: CentrifugeCommand, wait: UInt64) -> Action {
        if !isConnected, !command.isConnect {
            return .disconnect(.badRequest)
        }
        return refuse(command.id, .tooManyRequests(retryAfter: wait / 1_000 + (wait % 1_000 == 0 ? 0 : 1)))
    }
}
