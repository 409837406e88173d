import FanfareWire
import HTTPTypes
import NIOCore

/// What a browser's `EventSource` makes of errors: any status but 200 ends it for good, also when it only wanted to come back
/// (WHATWG HTML §9.2.3). So it is told to come later in the one way that it heeds.
extension Exchange {
    /// Whether the client wants an event stream, and reads nothing else.
    var wantsEvents: Bool {
        request.headerFields[values: .accept].contains { $0.utf8.starts(with: "text/event-stream".utf8) }
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
