import FanfareCore
import FanfareWire

/// Transactions: what they hold is published in order, and nothing else of this client between.
///
/// All of it is checked again before any of it is published. Then each publication is the broker's own business: there is no step that
/// publishes in several channels at once, and a failure half way through is told as one (D205).
extension STOMPSession {
    mutating func begin(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        try transactions.begin(try transaction(frame))
        return .all(receipt(frame["receipt"]))
    }

    mutating func commit(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        let steps = try transactions.end(try transaction(frame))
        // Since its SEND a client may have left a channel in which subscribers publish.
        for case .send(let publication) in steps { try checkSend(to: publication.channel) }
        let number = makeNumber()
        var (actions, count) = ([SessionAction](), 0)
        for step in steps {
            switch step {
            case .send(let publication):
                actions.append(publish(publication, .commit(number)))
                count += 1
            case .acknowledge(let acknowledgement): actions += perform(acknowledgement)
            }
        }
        guard count > 0 else { return .all(actions + receipt(frame["receipt"])) }
        commits[number] = STOMPCommit(left: count, receipt: frame["receipt"])
        return .all(actions)
    }

    mutating func abort(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        _ = try transactions.end(try transaction(frame))
        return .all(receipt(frame["receipt"]))
    }

    private func transaction(_ frame: STOMPFrame) throws(STOMPError) -> ExactText {
        guard let id = frame["transaction"] else {
            throw STOMPError("\(frame.command.rawValue) without transaction")
        }
        return id
    }
}
