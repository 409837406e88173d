import FanfareWire
import HTTPTypes
import NIOCore

/// What a browser's `EventSource` makes of errors: any status but 200 ends it for good, also when it only wanted to come back
/// (WHATWG HTML §9.2.3). So it is told to come later in the one way that it heeds.
enum EventSourceRefusal {
    /// Whether the client wants an event stream, and reads nothing else. Those that also take other answers, and proxies that
    /// ask another node first, get the true status.
    private static func isWanted(by exchange: Exchange) -> Bool {
        let accepted = exchange.request.headerFields[values: .accept]
        guard exchange.request.method == .get, accepted.count == 1 else { return false }
        guard accepted[0].utf8.starts(with: "text/event-stream".utf8), !accepted[0].utf8.contains(UInt8(ascii: ","))
        else { return false }
        let path = RoutePath(exchange.path)
        return places.contains { path.fits($0) }
    }

    /// Where a browser reads by itself. Elsewhere a program stands before it, which may take a 200 that ends for a reason to ask again
    /// at once.
    static let places: [Route.Place] = [.channel("sse"), .path("/connection/sse"), .path("/connection/uni_sse")]

    /// The answer that says why there is no stream yet; `nil`: the client understands the status.
    static func answer(to exchange: Exchange, _ message: String) -> (HTTPResponse, ByteBuffer)? {
        guard isWanted(by: exchange) else { return nil }
        var body = ByteBuffer(string: ": \(message)\n")
        body.writeImmutableBuffer(EventStreamFraming.retry(milliseconds: exchange.loop.node.retryMilliseconds))
        body.writeStaticString("\n")
        let fields: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache, no-transform"]
        return (HTTPResponse(status: .ok, headerFields: fields), body)
    }
}
