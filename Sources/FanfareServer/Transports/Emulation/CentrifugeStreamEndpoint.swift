import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// `/connection/sse`, `/connection/http_stream` and the same with `uni_`: the Centrifuge client protocol as an answer without
/// end. The request brings the first commands; those that follow come by ``EmulationEndpoint``, from clients that only hear none.
struct CentrifugeStreamEndpoint: Endpoint {
    let messages: StreamForm.Messages
    var onlyHears = false

    func body(of exchange: Exchange) -> BodyUse? {
        guard exchange.request.method == .post else { return .ignored }
        return EmulationRequest.body(of: exchange)
    }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let first = exchange.request.method == .post ? body : ConnectQuery.value(exchange.path)
        guard let first, onlyHears || first.readableBytes > 0 else {
            return exchange.refuse(
                .badRequest, .badRequest, "the first command is missing, or not percent-encoded UTF-8")
        }
        guard first.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }) else {
            return exchange.refuse(.badRequest, .badRequest, "the body is not UTF-8")
        }
        // Its requests would be told that there is no such session.
        guard onlyHears || exchange.loop.node.control?.isHeard == true else {
            return exchange.refuse(
                .brokerUnavailable, .serviceUnavailable, "other nodes do not hear this one yet, try again", retry: true)
        }
        // A token costs as much to check as one of an upgrade.
        guard exchange.mayTry() else { return }
        begin(exchange, Payload(kind: .text, bytes: first))
    }

    private func begin(_ exchange: Exchange, _ first: Payload) {
        let loop = exchange.loop
        let form = StreamForm(messages: messages, delimiting: exchange.isUpgradable ? .chunked : .bare)
        let client = ClientID.make(node: loop.node.id, loop: loop.index)
        let id = onlyHears ? nil : SessionID.make(for: client)
        var session = CentrifugeSession(
            loop.node.centrifuge, clientID: client.description,
            link: id.map { CentrifugeLink.emulated(session: $0.text) } ?? .unidirectional)
        session.requestToken = exchange.token
        let transport = EmulatedTransport(form, session: id)
        ClientRequest(
            exchange, on: transport,
            prelude: { _ in
                // A browser comes back by itself; an SDK does not let it.
                guard case .events = messages else { return nil }
                return form.delimiting.seal(EventStreamFraming.retry(milliseconds: loop.node.reconnectMilliseconds))
            },
            head: { _ in
                var head = form.head(position: nil)
                // There is a secret in it.
                head.headerFields[.cacheControl] = "no-store, no-transform"
                return head
            }
        ).begin(.centrifuge(session), format(form.delimiting))
        transport.begin(with: first)
    }

    private func format(_ delimiting: StreamDelimiting) -> WireFormat {
        switch (messages, delimiting) {
        case (.events, .bare): onlyHears ? .unidirectionalEventStream : .centrifugeEventStream
        case (.events, .chunked): onlyHears ? .unidirectionalEventStreamChunked : .centrifugeEventStreamChunked
        case (.lines, .bare): onlyHears ? .unidirectionalHTTPStream : .centrifugeHTTPStream
        case (.lines, .chunked): onlyHears ? .unidirectionalHTTPStreamChunked : .centrifugeHTTPStreamChunked
        }
    }
}
