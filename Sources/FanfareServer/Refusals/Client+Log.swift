import FanfareCore
import FanfareProtocols
import FanfareWire
import Logging

/// What the operator's log says about a client's end.
extension Client {
    /// Notes that the node ends this client.
    func logEnd(_ disconnect: Disconnect, _ reason: String?) {
        loop.node.refusals.note(
            .ended(disconnect), now: loop.node.clock.monotonicMicroseconds(),
            "client ended: \(reason ?? disconnect.reason)", logMetadata(disconnect))
    }

    private func logMetadata(_ disconnect: Disconnect) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["code": "\(disconnect.code)"]
        if let address = places.address { metadata["address"] = "\(address)" }
        if let channel = session.channel { metadata["channel"] = "\(channel)" }
        if let id = session.clientID { metadata["client"] = "\(id)" }
        if !session.user.isEmpty { metadata["user"] = "\(RefusalLog.printable(session.user.string))" }
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
