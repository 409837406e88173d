import FanfareCore
import HTTPTypes
import Logging
import NIOCore

/// What the operator's log says about requests and sockets that became no client.
extension Exchange {
    /// Notes that the request is refused; the message is what its sender is told.
    func log(_ reason: RefusalReason, _ status: HTTPResponse.Status, _ message: String) {
        loop.node.refusals.note(
            .refused(reason), now: loop.node.clock.monotonicMicroseconds(), "client refused: \(message)",
            logMetadata(reason, status))
    }

    private func logMetadata(_ reason: RefusalReason, _ status: HTTPResponse.Status) -> Logger.Metadata {
        // Without the query, which may hold a token.
        let place = path.prefix { $0 != "?" && $0 != "#" }
        var metadata: Logger.Metadata = [
            "reason": "\(reason.label)", "status": "\(status.code)", "address": "\(caller.address)",
            "request": "\(RefusalLog.printable("\(request.method.rawValue) \(place)"))",
        ]
        if let origin = request.headerFields[values: .origin].first, reason == .origin {
            metadata["origin"] = "\(RefusalLog.printable(origin))"
        }
        return metadata
    }
}

extension LoopState {
    /// Notes that a socket is closed before it asked for anything.
    func logRefusal(_ reason: RefusalReason, _ message: @autoclosure () -> String, _ peer: SocketAddress?) {
        logRefusal(reason, message(), ClientAddress(peer))
    }

    /// - Parameter status: of the answer; `nil`: there is none.
    func logRefusal(
        _ reason: RefusalReason, _ message: @autoclosure () -> String, _ address: ClientAddress?,
        _ status: HTTPResponse.Status? = nil
    ) {
        node.refusals.note(
            .refused(reason), now: node.clock.monotonicMicroseconds(), "client refused: \(message())",
            {
                var metadata: Logger.Metadata = ["reason": "\(reason.label)"]
                if let address { metadata["address"] = "\(address)" }
                if let status { metadata["status"] = "\(status.code)" }
                return metadata
            }())
    }
}
