import FanfareWire
import HTTPTypes
import NIOCore

/// What a browser's `EventSource` makes of errors: any status but 200 ends it for good, also when it only wanted to come back
/// (WHATWG HTML §9.2.3). So it is told to come later in the one way that it heeds.
extension Exchange {
    /// Whether the client wants an event stream, and reads nothing else. Those that also take other answers, and proxies that
    /// ask another node first, get the true status.
    var wantsEvents: Bool {
        let accepted = request.headerFields[values: .accept]
        guard request.method == .get, accepted.count == 1 else { return false }
        return accepted[0].utf8.starts(with: "text/event-stream".utf8) && !accepted[0].utf8.contains(UInt8(ascii: ","))
    }
}

extension LoopState {
    /// The answer that says why there is no stream yet.
    func eventSourceRefusal(_ message: String) -> (HTTPResponse, ByteBuffer) {
        var body = ByteBuffer(string: ": \(message)\n")
        body.writeImmutableBuffer(EventStreamFraming.retry(milliseconds: node.retryMilliseconds))
        body.writeStaticString("\n")
        let fields: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache, no-transform"]
        return (HTTPResponse(status: .ok, headerFields: fields), body)
    }
}
