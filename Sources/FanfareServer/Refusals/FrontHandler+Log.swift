import FanfareCore
import Logging
import NIOCore
import NIOHTTP1

/// What the operator's log says about requests and sockets that became no client.
extension FrontHandler {
    /// Notes that the current request is refused; the message is what its sender is told.
    func log(_ reason: RefusalReason, _ status: HTTPResponseStatus, _ message: String) {
        loop.node.refusals.note(
            .refused(reason), now: loop.node.clock.monotonicMicroseconds(), "client refused: \(message)",
            logMetadata(reason, status))
    }

    private func logMetadata(_ reason: RefusalReason, _ status: HTTPResponseStatus) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["reason": "\(reason.label)", "status": "\(status.code)"]
        if let requestHead {
            metadata["address"] = "\(caller(requestHead).address)"
            // Without the query, which may hold a token.
            let path = requestHead.uri.prefix { $0 != "?" && $0 != "#" }
            metadata["request"] = "\(RefusalLog.printable("\(requestHead.method.rawValue) \(path)"))"
            if let origin = requestHead.headers.first(name: "origin"), reason == .origin {
                metadata["origin"] = "\(RefusalLog.printable(origin))"
            }
        } else if let address = proxied ?? ClientAddress(context?.channel.remoteAddress) {
            metadata["address"] = "\(address)"
        }
        return metadata
    }
}

extension LoopState {
    /// Notes that a socket is closed before it asked for anything.
    func logRefusal(_ reason: RefusalReason, _ message: @autoclosure () -> String, _ peer: SocketAddress?) {
        logRefusal(reason, message(), ClientAddress(peer))
    }

    func logRefusal(_ reason: RefusalReason, _ message: @autoclosure () -> String, _ address: ClientAddress?) {
        node.refusals.note(
            .refused(reason), now: node.clock.monotonicMicroseconds(), "client refused: \(message())",
            {
                var metadata: Logger.Metadata = ["reason": "\(reason.label)"]
                if let address { metadata["address"] = "\(address)" }
                return metadata
            }())
    }
}
