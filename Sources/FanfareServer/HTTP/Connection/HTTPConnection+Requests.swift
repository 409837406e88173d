import FanfareCore
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Requests on their way in: what every one is checked for, whoever answers it.
extension HTTPConnection {
    func received(_ part: HTTPServerRequestPart) {
        switch (part, state) {
        case (.head(let head), .idle): begin(head)
        case (.body(let bytes), .receiving): take(bytes)
        case (.end, .receiving): respond()
        default: break
        }
    }

    /// The other end of the connection, or for whom it speaks by the PROXY protocol.
    var peer: ClientAddress {
        // A peer that has gone has no address, and nothing that is decided about it matters.
        proxied ?? ClientAddress(context?.channel.remoteAddress) ?? ClientAddress(high: 0, low: 0)
    }

    private func begin(_ head: HTTPRequestHead) {
        // After a request that asked for an upgrade the decoder does not read on.
        keepsOpen = head.isKeepAlive && !head.headers.contains(name: "upgrade")
        isOld = (head.version.major, head.version.minor) < (1, 1)
        guard let request = HTTPRequest(head, isSecure: loop.node.tls != nil) else {
            return refuse(.badRequest, .badRequest, "not a valid HTTP/1.1 request")
        }
        let exchange = Exchange(
            request, loop: loop, carrier: self, peer: peer, isUpgradable: !isOld)
        self.exchange = exchange
        turn.takeRequest(withToken: exchange.token != nil)
        guard
            let check = exchange.check(
                version: (head.version.major, head.version.minor), target: head.uri, values: { head.headers[$0] })
        else { return }
        receive(exchange, check)
    }

    /// Finds who answers, and decides about the body before any of it is taken.
    private func receive(_ exchange: Exchange, _ check: RequestCheck) {
        guard let endpoint = router.admit(exchange), let use = endpoint.body(of: exchange),
            let limit = exchange.bodyLimit(use, check)
        else { return }
        bodyLimit = limit
        guard check.fits(bodyLimit) else { return refuseBody() }
        self.endpoint = endpoint
        bodyUse = use
        bodyBytes = 0
        state = .receiving
        guard check.awaitsContinue else { return }
        switch use {
        case .kept:
            // RFC 9110 §10.1.1.
            output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        case .ignored:
            // Nothing depends on the body, so nobody waits for it; and nobody knows whether it will come.
            keepsOpen = false
            respond()
        case .forbidden:
            exchange.refuse(.badRequest, .expectationFailed, "an upgrade has no body to wait for")
        }
    }

    private func take(_ bytes: ByteBuffer) {
        turn.take(messageBytes: bytes.readableBytes)
        bodyBytes += bytes.readableBytes
        guard bodyBytes <= bodyLimit else { return refuseBody() }
        if case .kept = bodyUse { body.writeImmutableBuffer(bytes) }
    }

    /// The request is complete, or as much of it as matters.
    private func respond() {
        stopWaiting()
        state = .answering
        guard let exchange, let endpoint else { return }
        let body = body
        self.body = ByteBuffer()
        self.endpoint = nil
        endpoint.respond(to: exchange, body)
    }

    private func refuseBody() {
        refuse(.badRequest, .contentTooLarge, "the body is above the limit of \(bodyLimit) bytes")
    }
}
