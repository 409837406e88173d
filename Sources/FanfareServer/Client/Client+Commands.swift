import FanfareCore
import FanfareProtocols

/// What a backend wants done with this client.
extension Client {
    /// Does it at once, whatever the client's own commands wait for: a client that keeps the node busy does not put off its end. Of
    /// a subscription that is on its way ``ClientCommands`` hears the rest.
    ///
    /// - Returns: `nil`: the client has ended.
    func carryOut(_ command: ClientCommand) -> Session.Commanded? {
        guard isOpen else { return nil }
        let now = loop.node.clock.tokenTime
        let result: Session.Commanded
        switch command {
        case .subscribe(let wanted): result = session.subscribe(wanted, now: now)
        case .unsubscribe(let channel):
            result = session.unsubscribe(channel, isSubscribed: membership.contains(channel))
        case .disconnect(let disconnect, let reason, _):
            result = .done(.disconnect(disconnect, reason: reason))
        case .refresh(let expiresAt, let info): result = session.refresh(expiresAt: expiresAt, info: info, now: now)
        }
        switch result {
        case .done(let action), .begun(let action): carryOut(action)
        case .awaited, .unchanged, .full, .unsupported: break
        }
        if case .refresh = command, isOpen { scheduleExpiry() }
        return result
    }

    /// Does what an emitter wants with the clients of some rooms.
    ///
    /// - Returns: whether this is one of them.
    func carryOut(_ command: RoomCommand) -> Bool {
        guard isOpen, let actions = session.perform(command, now: loop.node.clock.tokenTime) else { return false }
        for action in actions where isOpen { carryOut(action) }
        endStart()
        return true
    }

    /// A request with a token of its own goes on with what this client keeps: it lasts as long as either.
    ///
    /// - Parameter time: seconds since 1970; `.max`: for ever.
    func extend(to time: Int64) {
        guard isOpen, let expiresAt = session.expiresAt, expiresAt < time else { return }
        _ = carryOut(.refresh(expiresAt: time == .max ? nil : time))
    }
}
