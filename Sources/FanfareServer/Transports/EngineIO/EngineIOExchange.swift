import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// A request that belongs to a session of Engine.IO, wherever that is: on this event loop, on another one, on another node.
struct EngineIOExchange {
    private let exchange: Exchange
    private let sid: SessionID
    private let address: SessionAddress

    init(_ exchange: Exchange, _ sid: SessionID) {
        (self.exchange, self.sid) = (exchange, sid)
        address = SessionAddress(engineIO: sid)
    }

    private var loop: LoopState { exchange.loop }
    private var isAbroad: Bool { sid.client.node != loop.node.id }

    /// Fetches what the session says.
    func poll() {
        guard maySearch() else { return }
        let keepAlive = loop.node.configuration.keepAlive.alwaysOn
        let wait = (keepAlive.pingInterval ?? .zero) + keepAlive.pongTimeout + EngineIOBounds.pollSlack
        var question = SessionQuestion(
            session: address, receiver: .random(in: 0...UInt64.max), wait: UInt64(wait.microseconds), stays: false)
        if isPython { question.maxMessages = EngineIOBounds.pythonPackets }
        exchange.holdOpen()
        // A node that drains closes connections of clients that are there: they ask through another one.
        exchange.onGone = { [loop] in
            loop.node.sessions.leave(question, aborted: !loop.node.isDraining, from: loop)
        }
        loop.node.sessions.receive(question, for: exchange) { reply in replied(reply) }
    }

    /// Whether it is likely python-engineio: nothing in the protocol says so, but both of its HTTP clients name their language.
    private var isPython: Bool {
        exchange.request.headerFields[values: .userAgent].contains { agent in
            let agent = agent.asciiLowercased
            return agent.utf8.starts(with: "python".utf8)
        }
    }

    private func replied(_ reply: SessionReply) {
        guard !exchange.isOver else { return }
        exchange.onGone = nil
        switch reply {
        case .messages(let frames):
            found()
            exchange.answerPoll(frames)
        case .nothing: exchange.answerPoll(EngineIOFrames.noop)
        case .occupied: exchange.refuse(.badRequest)
        case .ended, .gone, .unknown: exchange.refuse(.unknownSession)
        case .unavailable: refuseUnreachable()
        }
    }

    /// Brings what the client says.
    func post(_ body: ByteBuffer) {
        guard maySearch() else { return }
        let type = exchange.request.headerFields[values: .contentType].first
        // It waits for as long as the client is above its rates, in a place of its session or of what waits for other nodes.
        exchange.holdOpen()
        // As the reference does: what is binary is Base64 here, so this body is none, and the session ends.
        let isBinary = type?.asciiLowercased.utf8.starts(with: "application/octet-stream".utf8) == true
        loop.node.sessions.send(isBinary ? ByteBuffer() : body, to: address, for: exchange) { outcome in
            switch outcome {
            case .taken:
                found()
                exchange.answer(
                    .ok, [.contentType: "text/html", .cacheControl: "no-store"], ByteBuffer(string: "ok"))
            case .full: exchange.refuse(.badRequest)
            case .gone: exchange.refuse(.unknownSession)
            case .unavailable, .unknown: refuseUnreachable()
            }
        }
    }

    /// Brings a WebSocket to which the session may move.
    ///
    /// Its connection goes to the session's event loop. To another node it can't go: that one is asked next by a proxy that takes 503 for
    /// "ask another", as the nginx of this repository; a client without one polls on.
    func upgrade() {
        // Before anything says whether there is such a session.
        guard exchange.mayTry() else { return }
        guard !isAbroad else {
            // A node that has just come can't say yet that there is none.
            guard loop.node.control?.sees(sid.client.node) != false else { return exchange.refuse(.unknownSession) }
            return refuseElsewhere("this session is on another node: its WebSocket has to come there")
        }
        let isHere = sid.client.loop == loop.index
        // TLS has its state in the channel, which stays on its event loop.
        guard isHere || loop.node.tls == nil || loop.bridges < EngineIOBounds.bridges else {
            return refuseElsewhere("too many WebSockets over TLS are bridged to sessions on other event loops")
        }
        let session = isHere ? loop.sessions.session(address) as? EngineIOPolling : nil
        guard !isHere || session != nil else { return exchange.refuse(.unknownSession) }
        // The handshake counts it.
        exchange.hasTried()
        guard let upgrade = WebSocketUpgrade(exchange, subprotocols: [], compresses: false) else { return }
        let peer = exchange.peer
        guard let session else {
            let move = SocketMove(loop, to: address, peer: peer)
            guard move.begin() else {
                return exchange.refuse(.pendingLimit, .serviceUnavailable, "too many sockets wait here", retry: true)
            }
            if !upgrade.handOver(to: move) { move.end() }
            return
        }
        let socket = EngineIOSocket(exchange.limits)
        if upgrade.handOver(to: socket) { session.tries(socket, peer: peer) }
    }

    private func refuseElsewhere(_ message: String) {
        exchange.refuse(.noSession, .serviceUnavailable, message)
    }

    private func refuseUnreachable() {
        exchange.refuse(
            .brokerUnavailable, .serviceUnavailable, "the session's node can't be reached, try again", retry: true)
    }

    /// Whether a session may be looked for on another node. Whoever makes ids up would have nodes ask each other; what is found is no
    /// attempt.
    private func maySearch() -> Bool { !isAbroad || exchange.mayTry() }

    private func found() { if isAbroad { exchange.hasTried() } }
}

extension SessionAddress {
    /// The session of an id, which says where it is, and only by its secret whose it is.
    init(engineIO sid: SessionID) {
        self.init(ExactText("engine.io/\(sid.client)"), secret: sid.text, node: sid.client.node)
    }
}
