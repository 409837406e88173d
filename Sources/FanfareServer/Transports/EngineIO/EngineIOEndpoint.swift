import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// `/socket.io/`: Engine.IO 4, by polling and on a WebSocket, with a protocol of its own in its messages.
struct EngineIOEndpoint: Endpoint {
    /// What a session speaks in its messages, and how publications read to it.
    typealias Opening = @Sendable (Exchange, ClientID) -> (Session, WireFormat)

    let opening: Opening

    /// Origins are its own business: its clients know an error for them.
    var isForAllPages: Bool { true }

    func isOfSession(_ exchange: Exchange) -> Bool {
        let request = try? EngineIORequest(
            exchange.request.method, exchange.path, isUpgrade: exchange.asksForWebSocket)
        switch request?.kind {
        case .poll(let sid), .post(let sid): return exchange.loop.node.sessions.has(SessionAddress(engineIO: sid))
        case .open, .openSocket, .socket, nil: return false
        }
    }

    func body(of exchange: Exchange) -> BodyUse? {
        if exchange.asksForWebSocket { return .forbidden }
        return exchange.request.method == .post ? .kept(limit: exchange.limits.maxMessageBytes) : .ignored
    }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        let method = exchange.request.method
        guard !exchange.isFromPage || exchange.mayPageRead else { return exchange.refuse(.forbidden) }
        guard method != .options else {
            return OptionsEndpoint(methods: [.get, .post]).respond(to: exchange, body)
        }
        let request: EngineIORequest
        do throws(EngineIOError) {
            request = try EngineIORequest(method, exchange.path, isUpgrade: exchange.asksForWebSocket)
        } catch {
            return exchange.refuse(error)
        }
        switch request.kind {
        case .open: open(exchange)
        case .openSocket: openSocket(exchange)
        case .poll(let sid): EngineIOExchange(exchange, sid).poll()
        case .post(let sid): EngineIOExchange(exchange, sid).post(body)
        case .socket(let sid): EngineIOExchange(exchange, sid).upgrade()
        }
    }

    private func open(_ exchange: Exchange) {
        guard exchange.mayTry() else { return }
        let loop = exchange.loop
        // Its polls would be told that there is no such session.
        guard loop.node.control?.isHeard == true else {
            return exchange.refuse(
                .brokerUnavailable, .serviceUnavailable, "other nodes do not hear this one yet, try again", retry: true)
        }
        let id = ClientID.make(node: loop.node.id, loop: loop.index)
        let sid = SessionID.make(for: id)
        let polling = EngineIOPolling(loop, sid)
        let (session, format) = opening(exchange, id)
        ClientRequest(exchange: exchange, transport: polling) { _, _ in
            polling.begin()
            let frames = EngineIOFraming.packet(.open, Self.handshake(sid, loop, mayUpgrade: true).data)
            exchange.answerPoll(frames)
        }.begin(session, format)
    }

    private func openSocket(_ exchange: Exchange) {
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: [], compresses: false) else { return }
        let loop = exchange.loop
        let id = ClientID.make(node: loop.node.id, loop: loop.index)
        let (session, format) = opening(exchange, id)
        let handshake = Self.handshake(SessionID.make(for: id), loop, mayUpgrade: false)
        upgrade.admit(
            session, format, on: EngineIOSocket(exchange.limits),
            prelude: EngineIOFraming.packet(.open, handshake.data))
    }

    private static func handshake(_ sid: SessionID, _ loop: LoopState, mayUpgrade: Bool) -> EngineIOHandshake {
        let keepAlive = loop.node.configuration.keepAlive.alwaysOn
        return EngineIOHandshake(
            sid: sid.text, mayUpgrade: mayUpgrade,
            pingInterval: Int((keepAlive.pingInterval ?? .zero).microseconds / 1_000),
            pingTimeout: Int(keepAlive.pongTimeout.microseconds / 1_000),
            maxPayload: loop.node.configuration.limits.maxMessageBytes)
    }
}

extension Exchange {
    /// Whether the request is one to a WebSocket, as far as it says so.
    fileprivate var asksForWebSocket: Bool {
        request.headerFields[values: .upgrade].contains { $0.isToken("websocket") }
    }

    /// Answers with an error that clients of Engine.IO know, and counts it.
    func refuse(_ error: EngineIOError) {
        let reason: RefusalReason =
            switch error {
            case .unknownSession: .noSession
            case .forbidden: .origin
            default: .badRequest
            }
        let status = HTTPResponse.Status(code: error.status)
        loop.metrics.refusals.add(reason)
        log(reason, status, error.message)
        answer(status, [.contentType: "application/json", .cacheControl: "no-store"], error.json)
    }

    /// Answers a poll, or a handshake, with packets.
    ///
    /// - Parameter frames: whole frames of ``EngineIOFraming``.
    func answerPoll(_ frames: ByteBuffer) {
        answer(
            .ok, [.contentType: "text/plain; charset=UTF-8", .cacheControl: "no-store"], EngineIOPayload.body(frames))
    }
}

extension EngineIOEndpoint {
    /// Every message back to its sender: what the protocol's suite drives.
    static let echo: Opening = { _, _ in (.echo, .rawWebSocket) }
}
