import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// A SockJS service (sockjs-protocol 0.3.3): everything below its place, each path with its own methods.
struct SockJSEndpoint: Endpoint {
    let service: SockJSService
    let options: SockJSOptions
    /// `nil`: there is nothing.
    let path: SockJSPath?

    /// - Parameter rest: what stands behind the place.
    init(_ service: SockJSService, _ options: SockJSOptions, rest: String) {
        (self.service, self.options) = (service, options)
        let path = SockJSPath(rest)
        self.path = path == .iframe && options.clientURL.isEmpty ? nil : path
    }

    func isOfSession(_ exchange: Exchange) -> Bool {
        guard case .session(let id, let transport) = path, transport != .webSocket else { return false }
        return exchange.loop.node.sessions.has(service.address(id, of: exchange))
    }

    func body(of exchange: Exchange) -> BodyUse? {
        switch path {
        // Clients put together what they have to say while a request is under way.
        case .session(_, .xhrSend), .session(_, .jsonpSend):
            .kept(limit: SessionBounds.bodySizes * exchange.limits.maxMessageBytes)
        // Frames would follow it.
        case .session(_, .webSocket), .rawWebSocket: exchange.request.method == .get ? .forbidden : .ignored
        default: .ignored
        }
    }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        guard let path else { return notFound(exchange) }
        let method: HTTPRequest.Method = path.isPost ? .post : .get
        if exchange.request.method == .options { return answerOptions(exchange, method) }
        guard exchange.request.method == method else {
            exchange.loop.metrics.refusals.add(.notFound)
            return exchange.answer(.methodNotAllowed, [.allow: "OPTIONS, \(method.rawValue)"])
        }
        switch path {
        case .greeting:
            exchange.answer(
                .ok, [.contentType: "text/plain; charset=UTF-8"], ByteBuffer(string: "Welcome to SockJS!\n"))
        case .info: answerInfo(exchange)
        case .iframe: SockJSFramePage(clientURL: options.clientURL).answer(exchange)
        case .rawWebSocket: SockJSWebSocket(exchange, service, options)?.beginRaw()
        case .session(let id, let transport): respond(to: exchange, id, transport, body)
        }
    }

    private func respond(
        to exchange: Exchange, _ id: ExactText, _ transport: SockJSPath.Transport, _ body: ByteBuffer
    ) {
        switch transport {
        case .xhr: receive(exchange, id, .xhr)
        case .xhrStreaming: receive(exchange, id, .xhrStreaming)
        case .eventSource: receive(exchange, id, .eventSource)
        case .htmlFile, .jsonp:
            guard let callback = callback(exchange, isShort: transport == .jsonp), mayLoad(exchange) else { return }
            receive(exchange, id, transport == .jsonp ? .jsonp(callback: callback) : .htmlFile(callback: callback))
        case .xhrSend: SockJSSending(exchange, service, options).send(body, to: id)
        case .jsonpSend: SockJSSending(exchange, service, options).sendForm(body, to: id)
        case .webSocket: SockJSWebSocket(exchange, service, options)?.begin()
        }
    }

    private func receive(_ exchange: Exchange, _ id: ExactText, _ form: SockJSReceiving) {
        SockJSReceiver(exchange, service, options, service.address(id, of: exchange), form).begin()
    }

    private func notFound(_ exchange: Exchange) {
        exchange.refuse(.notFound, .notFound, "no such path; docs/sockjs.md says what there is")
    }

    /// The name of the page's function, decoded; `nil`: the request is refused.
    private func callback(_ exchange: Exchange, isShort: Bool) -> String? {
        let item = QueryItems(exchange.path).first { item in
            item.name.elementsEqual("c".utf8) || item.name.elementsEqual("callback".utf8)
        }
        guard let item, !item.value.isEmpty else {
            exchange.refuse(.badRequest, .internalServerError, "\"callback\" parameter required")
            return nil
        }
        guard let name = PercentEncoding.decoded(item.value), SockJSReceiving.isCallback(name, isShort: isShort) else {
            exchange.refuse(.badRequest, .internalServerError, "invalid \"callback\" parameter")
            return nil
        }
        return name
    }

    /// Whether the page that loads a script or a frame is one of those that may. Such requests have no `Origin`, and every page can
    /// make them, with the cookies of its visitors: so they have to say in `Referer` which page it is, unless any may (D143).
    private func mayLoad(_ exchange: Exchange) -> Bool {
        guard !exchange.isFromPage else { return true }
        guard !exchange.loop.node.configuration.origins.allowsAny else {
            exchange.ignoreCookies()
            return true
        }
        let referrers = exchange.request.headerFields[values: .referer]
        guard referrers.count == 1, let origin = PageOrigin.text(ofPage: referrers[0]), exchange.isAllowed([origin])
        else {
            exchange.refuseOrigin()
            return false
        }
        return true
    }

    private func answerInfo(_ exchange: Exchange) {
        let entropy = UInt32.random(in: 0...UInt32.max)
        let body = """
            {"websocket":\(options.hasWebSocket),"origins":["*:*"],"cookie_needed":\(options.needsCookies),"entropy":\(entropy)}
            """
        var fields = exchange.sockJSFields(options, "application/json; charset=UTF-8", setsCookie: false)
        // sockjs-client asks with cookies and begins with nothing before it has read this; it is the same for everyone.
        if exchange.mayPageRead { fields[.accessControlAllowCredentials] = "true" }
        exchange.answer(.ok, fields, ByteBuffer(string: body))
    }

    private func answerOptions(_ exchange: Exchange, _ method: HTTPRequest.Method) {
        let methods = "OPTIONS, \(method.rawValue)"
        var fields = exchange.sockJSFields(options, nil)
        fields[.allow] = methods
        fields.addYear(exchange.loop.node.clock)
        fields[.accessControlAllowMethods] = methods
        fields[.accessControlMaxAge] = "31536000"
        let wanted = exchange.request.headerFields[values: .accessControlRequestHeaders].first
        if let wanted, !wanted.isEmpty { fields[.accessControlAllowHeaders] = wanted }
        exchange.answer(.noContent, fields)
    }
}

extension SockJSPath {
    /// Whether its requests are POST, and not GET.
    fileprivate var isPost: Bool {
        switch self {
        case .greeting, .info, .iframe, .rawWebSocket: false
        case .session(_, let transport):
            switch transport {
            case .xhr, .xhrStreaming, .xhrSend, .jsonpSend: true
            case .eventSource, .htmlFile, .jsonp, .webSocket: false
            }
        }
    }
}
