import FanfareCore
import FanfareWire
import Logging

/// What the operator's log says about a client's end.
extension ClientConnection {
    /// Notes that the node ends this client.
    func logEnd(_ disconnect: Disconnect, _ reason: String?) {
        loop.node.refusals.note(
            .ended(disconnect), now: loop.node.clock.monotonicMicroseconds(),
            "client ended: \(reason ?? disconnect.reason)", logMetadata(disconnect))
    }

    private func logMetadata(_ disconnect: Disconnect) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["code": "\(disconnect.code)"]
        if let address { metadata["address"] = "\(address)" }
        if let raw { metadata["channel"] = "\(raw.channel)" }
        if let id = raw?.clientID ?? session?.clientID { metadata["client"] = "\(id)" }
        if let user = raw?.identity?.user ?? session?.user, !user.isEmpty {
            metadata["user"] = "\(RefusalLog.printable(user.string))"
        }
        return metadata
    }
}

extension Disconnect {
    /// How loud a client's end is in the log; `nil`: it has no line, for nothing was refused.
    var logLevel: Logger.Level? {
        switch self {
        case .normal, .abnormal, .serviceRestart: nil
        // Phones without a network and tokens that nobody refreshed: a busy node has some every second.
        case .noPong, .expired, .writeError: .debug
        default: .info
        }
    }
}
