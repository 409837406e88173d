import FanfareCore
import FanfareWire

/// What commands cost.
extension CentrifugeCommand {
    /// The rate to which a command is held, besides that of all commands.
    var rate: ClientRate? {
        switch method {
        case .publish: .publications
        case .subscribe, .subRefresh, .refresh, .connect: .subscriptions
        case .history, .presence, .presenceStats: .reads
        case .unsubscribe, .ping, .pong, .rpc, .send: nil
        }
    }

    /// Units of a ``Turn``.
    ///
    /// - Parameter withToken: whether the client's `connect` has the token of its upgrade's request.
    func weight(withToken: Bool) -> Int {
        switch method {
        case .connect(let request):
            (withToken || request.token?.isEmpty == false ? Turn.token : 1) + request.subscriptions.count / 8
        case .subscribe(let request): request.token?.isEmpty == false ? Turn.token : 2
        case .refresh, .subRefresh: Turn.token
        default: 1
        }
    }

    fileprivate var isConnect: Bool { if case .connect = method { true } else { false } }
}

/// What a session says to a client that asks too often.
extension CentrifugeSession {
    /// Refuses a command that came too early.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    func refuseForNow(_ command: CentrifugeCommand, wait: UInt64) -> SessionAction {
        if !isConnected, !command.isConnect { return .disconnect(.badRequest) }
        return refuse(command.id, .tooManyRequests(retryAfter: wait / 1_000 + (wait % 1_000 == 0 ? 0 : 1)))
    }
}
