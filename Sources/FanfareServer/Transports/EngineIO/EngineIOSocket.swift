import FanfareCore
import FanfareWire
import NIOCore

/// A WebSocket of Engine.IO: that of a client from the beginning, or one on which a client that polls tries whether it may move here.
/// Lives on its session's event loop.
final class EngineIOSocket: WebSocketTransport, PendingSocket {
    private var packets = EngineIOPackets()
    /// What the client sent while it polled and has not begun.
    private var inbox: EngineIOInbox?
    /// The session that tries it, or that moved here; `nil`: the client began here.
    private var session: EngineIOPolling?
    /// Its place among the sockets without a session, while it is tried.
    private var place = PendingPlace()

    init(_ limits: Limits) { super.init(limits, agreement: nil) }

    override var name: TransportName { .engineIOWebSocket }

    override func seal(_ body: consuming Body) -> ByteBuffer { EngineIOFraming().seal(body) }

    override var keepAlive: KeepAliveMode? { .serverPingsAnswered }

    override var ping: ByteBuffer { EngineIOFrames.ping }

    /// Only a pong of Engine.IO shows life.
    override func frameCame(_ client: Client, now: UInt64) {}

    override func arrival(of message: Payload, _ client: Client, now: UInt64) -> Arrival {
        guard let packet = EngineIOPacket(message) else {
            client.end(.protocolError, reason: "a message that is no packet of Engine.IO")
            return .control
        }
        return arrival(of: packet, client, now: now)
    }

    private func arrival(of packet: EngineIOPacket, _ client: Client, now: UInt64) -> Arrival {
        guard packet.kind == .close else { return packets.arrival(of: packet, client, now: now) }
        client.end(.normal)
        return .control
    }

    override func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard client == nil else { return super.channelRead(context: context, data: data) }
        if session != nil { hear(unwrapInboundIn(data)) }
    }

    override func next(now: UInt64) -> Arrival? {
        guard let client, let packet = inbox?.next() else { return super.next(now: now) }
        return arrival(of: packet, client, now: now)
    }

    override func turnEnded(now: UInt64) {
        if let inbox, inbox.isEmpty { takenAll() }
        super.turnEnded(now: now)
    }

    private func takenAll() {
        let taken = inbox
        inbox = nil
        taken?.taken()
    }

    override func finish() {
        let ended = session
        session = nil
        if let ended { place.leave(ended.loop) }
        takenAll()
        super.finish()
        ended?.socketEnded(self)
    }
}

/// While a session tries it.
extension EngineIOSocket {
    /// The session tries it from now on. Returns whether there is a place for it.
    func begin(for session: EngineIOPolling, peer: ClientAddress) -> Bool {
        guard place.takeShare(of: peer, session.loop), session.loop.makeRoom(for: nil) else { return false }
        place.enter(session.loop)
        place.startWaiting(self, session.loop)
        self.session = session
        return true
    }

    /// Bytes came, with no client yet.
    func hear(_ bytes: ByteBuffer) {
        reader.feed(bytes)
        while client == nil, let session, let event = reader.next() {
            // Nothing but the probe and what follows it; a control frame is none of that.
            guard case .message(let message) = event, let packet = EngineIOPacket(message) else {
                return giveUp(session)
            }
            session.socketSaid(packet, on: self)
        }
        // What came behind the packet that moved the session here.
        client?.received()
    }

    private func giveUp(_ session: EngineIOPolling) {
        session.socketEnded(self)
        dismiss()
    }

    /// Writes past a client, which there is none of yet.
    func say(_ frame: ByteBuffer) {
        write(frame, promise: nil)
        flush()
    }

    /// Closes it, as a WebSocket is closed.
    func dismiss() {
        if let session { place.leave(session.loop) }
        session = nil
        guard context != nil else { return }
        say(WebSocketFrame.close(.normal))
        close()
    }

    func giveWay() {
        guard let session, client == nil else { return }
        giveUp(session)
    }

    /// The session has moved here.
    ///
    /// - Parameter inbox: what its client sent before and has not begun.
    func upgraded(_ inbox: EngineIOInbox?) {
        if let session { place.leave(session.loop) }
        self.inbox = inbox
    }
}
