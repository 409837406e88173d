import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// A request that brings messages to a session.
struct SockJSSending {
    let exchange: Exchange
    let service: SockJSService
    let options: SockJSOptions

    init(_ exchange: Exchange, _ service: SockJSService, _ options: SockJSOptions) {
        (self.exchange, self.service, self.options) = (exchange, service, options)
    }

    /// `xhr_send`: the body is an array of messages.
    func send(_ body: ByteBuffer, to id: ExactText) {
        let type = mediaType
        guard type.isEmpty || Self.types.contains(where: { type.isToken($0) }) else {
            return exchange.refuse(.badRequest, .internalServerError, "the content type must be text/plain or JSON")
        }
        send(body, to: id, exchange.sockJSFields(options, "text/plain; charset=UTF-8"), .noContent)
    }

    /// `jsonp_send`: the same, or a form with it in the field `d`.
    func sendForm(_ body: ByteBuffer, to id: ExactText) {
        var body = body
        if mediaType.isToken("application/x-www-form-urlencoded") {
            // As forms encode it: a plus is a space.
            let spaced = body.readableBytesView.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
            let form = "?" + String(decoding: spaced, as: UTF8.self)
            let item = QueryItems(form).first { $0.name.elementsEqual("d".utf8) }
            guard let item, !item.value.isEmpty else { return refuse(.empty) }
            guard let text = PercentEncoding.decoded(item.value) else { return refuse(.broken) }
            body = ByteBuffer(string: text)
        }
        send(body, to: id, exchange.sockJSFields(options, "text/plain; charset=UTF-8"), .ok, ByteBuffer(string: "ok"))
    }

    /// Those that clients name: few browsers could name JSON, and some name what they like.
    private static let types: [StaticString] = ["text/plain", "T", "application/json", "application/xml", "text/xml"]

    /// Without its parameters; empty: none.
    private var mediaType: Substring {
        let field = exchange.request.headerFields[values: .contentType].first ?? ""
        let end = field.utf8.firstIndex { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: " ") } ?? field.utf8.endIndex
        return field[..<end]
    }

    private func send(
        _ body: ByteBuffer, to id: ExactText, _ fields: HTTPFields, _ status: HTTPResponse.Status,
        _ answer: ByteBuffer = ByteBuffer()
    ) {
        let content = SockJSMessages.check(body)
        guard content == .messages else { return refuse(content) }
        // Whoever makes up ids would have all nodes look for them. What reaches a session is no attempt.
        guard exchange.mayTry() else { return }
        // It waits for as long as the client is above its rates, in a place of its session or of what waits for other nodes.
        exchange.holdOpen()
        exchange.loop.node.sessions.send(body, to: service.address(id, of: exchange), for: exchange) { outcome in
            switch outcome {
            case .taken:
                exchange.hasTried()
                exchange.answer(status, fields, answer)
            case .gone: exchange.refuse(.noSession, .notFound, "no such session: it has ended, or never was")
            case .full:
                exchange.refuse(
                    .emulationLimit, .tooManyRequests, "too much waits for this session, send one request at a time",
                    retry: true)
            case .unavailable:
                exchange.refuse(
                    .brokerUnavailable, .serviceUnavailable, "other nodes can't be asked for the session, try again",
                    retry: true)
            case .unknown:
                exchange.refuse(
                    .brokerUnavailable, .serviceUnavailable,
                    "the session's node did not answer: it may have the messages", retry: true)
            }
        }
    }

    private func refuse(_ content: SockJSMessages.Content) {
        exchange.refuse(
            .badRequest, .internalServerError, content == .empty ? "Payload expected." : "Broken JSON encoding.")
    }
}
