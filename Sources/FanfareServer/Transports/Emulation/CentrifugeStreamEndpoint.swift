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
        guard mayBeBinary || !exchange.bringsProtobuf else {
            exchange.refuse(.badRequest, .unsupportedMediaType, "only JSON is spoken here")
            return nil
        }
        return .kept(limit: exchange.limits.maxMessageBytes)
    }

    /// Events are text, and pushes without an envelope are JSON.
    private var mayBeBinary: Bool {
        guard case .lines = messages else { return false }
        return !onlyHears
    }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        guard messages != .events || !exchange.isBackAfterEnd else { return exchange.answerEnded() }
        // Whoever says only that may say it in the address of a POST, too.
        let isInBody = exchange.request.method == .post && (!onlyHears || body.readableBytes > 0)
        let first = isInBody ? body : ConnectQuery.value(exchange.path)
        guard let first, onlyHears || first.readableBytes > 0 else {
            return exchange.refuse(
                .badRequest, .badRequest, "the first command is missing, or not percent-encoded UTF-8")
        }
        let encoding: CentrifugeEncoding = mayBeBinary && exchange.bringsProtobuf ? .protobuf : .json
        guard encoding == .protobuf || first.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }) else {
            return exchange.refuse(.badRequest, .badRequest, "the body is not UTF-8")
        }
        // Its requests would be told that there is no such session.
        guard onlyHears || exchange.loop.node.control?.isHeard == true else {
            return exchange.refuse(
                .brokerUnavailable, .serviceUnavailable, "other nodes do not hear this one yet, try again", retry: true)
        }
        // A token costs as much to check as one of an upgrade.
        guard exchange.mayTry() else { return }
        begin(
            exchange, Payload(kind: encoding == .protobuf ? .binary : .text, bytes: first), encoding,
            isInAddress: !isInBody)
    }

    /// - Parameter isInAddress: whether the first command came with the address.
    private func begin(
        _ exchange: Exchange, _ first: Payload, _ encoding: CentrifugeEncoding, isInAddress: Bool
    ) {
        let loop = exchange.loop
        let form = StreamForm(messages: messages, delimiting: exchange.isUpgradable ? .chunked : .bare)
        let client = ClientID.make(node: loop.node.id, loop: loop.index)
        let id = onlyHears ? nil : SessionID.make(for: client)
        var session = CentrifugeSession(
            loop.node.centrifuge, clientID: client.description, encoding: encoding,
            link: id.map { CentrifugeLink.emulated(session: $0.text) } ?? .unidirectional)
        session.requestToken = exchange.token
        let transport = EmulatedTransport(form, session: id, encoding)
        transport.keepsOwnToken = isInAddress
        transport.keepsRequestToken = exchange.requestToken?.isInAddress == true
        ClientRequest(
            exchange, on: transport,
            prelude: { _ in
                // A browser comes back by itself; an SDK does not let it.
                guard case .events = messages else { return nil }
                return form.delimiting.seal(EventStreamFraming.retry(milliseconds: loop.node.reconnectMilliseconds))
            },
            head: { _ in
                var head = form.head(position: nil)
                if encoding == .protobuf { head.headerFields[.contentType] = "\(EmulationRequest.protobufType)" }
                // There is a secret in it.
                head.headerFields[.cacheControl] = "no-store, no-transform"
                return head
            }
        ).begin(.centrifuge(session), format(form.delimiting, encoding))
        transport.begin(with: first)
    }

    private func format(_ delimiting: StreamDelimiting, _ encoding: CentrifugeEncoding) -> WireFormat {
        guard encoding == .json else {
            return delimiting == .bare ? .centrifugeProtobufHTTPStream : .centrifugeProtobufHTTPStreamChunked
        }
        return switch (messages, delimiting) {
        case (.events, .bare): onlyHears ? .unidirectionalEventStream : .centrifugeEventStream
        case (.events, .chunked): onlyHears ? .unidirectionalEventStreamChunked : .centrifugeEventStreamChunked
        case (.lines, .bare): onlyHears ? .unidirectionalHTTPStream : .centrifugeHTTPStream
        case (.lines, .chunked): onlyHears ? .unidirectionalHTTPStreamChunked : .centrifugeHTTPStreamChunked
        }
    }
}
