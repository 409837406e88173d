import FanfareCore
import FanfareWire
import NIOCore

/// A client on a WebSocket: the only handler of its pipeline after the upgrade, but for TLS.
///
/// Bytes become messages in its reader (``WebSocketReader``); pings, pongs and the closing handshake (RFC 6455 §5.5, §7) are its
/// own business. Protocols that have more around their messages inherit from it. Lives on its client's event loop.
class WebSocketTransport: TransportHandler, ConnectionTransport {
    final var reader: WebSocketReader
    private let framing = WebSocketFraming()
    /// Compresses each message of its own; `nil`: only publications are compressed, once for all.
    private let deflate: WebSocketDeflateFraming?
    /// Whether the socket was not read already when the last bytes came: whoever is read nevertheless has ended.
    private var isQuiet = false
    /// Whether the peer has sent its close frame.
    private var hasPeerClosed = false
    /// Pings and pongs that the peer may still send.
    private var controlFrames = RateLimit()

    /// - Parameter deflate: see the property.
    init(_ limits: Limits, agreement: DeflateAgreement?, deflate: WebSocketDeflateFraming? = nil) {
        reader = WebSocketReader(
            maxMessageBytes: limits.maxMessageBytes, maxFragments: limits.maxFragments, deflate: agreement)
        self.deflate = deflate
    }

    override func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let client else { return }
        let bytes = unwrapInboundIn(data)
        switch client.life.phase {
        case .opening, .open:
            guard !isBeyondReading(client) else { return client.lost(.abnormal) }
            reader.feed(bytes)
            // Its last words are all that is left to hear then.
            if client.isOpen {
                client.received(bytes: bytes.readableBytes, toTheEnd: isQuiet && client.waitsForTurn)
            }
        case .closing:
            // Read on for the peer's close frame, so that its end is clean; anything else is thrown away.
            reader.feed(bytes)
            while let event = reader.next() {
                if case .close = event { client.close() }
            }
        case .ended:
            break
        }
    }

    /// Whether more has come to a client that is not read than one turn of its loop brings: its peer has ended, and NIO reads
    /// up to the end, whatever that is. None of it will be handled.
    private func isBeyondReading(_ client: Client) -> Bool {
        client.inbound.isPaused && reader.bufferedBytes > client.limits.maxMessageBytes + 65_536
    }

    override func channelReadComplete(context: ChannelHandlerContext) {
        isQuiet = client?.inbound.isPaused == true
        super.channelReadComplete(context: context)
    }

    override func setReading(_ isReading: Bool) {
        if isReading { isQuiet = false }
        super.setReading(isReading)
    }

    override func channelInactive(context: ChannelHandlerContext) {
        client?.takeLastTurn()
        super.channelInactive(context: context)
    }

    var name: TransportName { .webSocket }

    // MARK: What comes in

    /// A whole message came.
    func arrival(of message: Payload, _ client: Client, now: UInt64) -> Arrival { .message(message) }

    /// A frame came, of whatever kind: a sign of life, but where only what the client says in its protocol is one.
    func frameCame(_ client: Client, now: UInt64) {
        if client.session.keepAlive == nil { client.lifeSeen(now: now) }
    }

    func next(now: UInt64) -> Arrival? {
        guard let client, let event = reader.next() else { return nil }
        frameCame(client, now: now)
        // What is unfinished after it has begun after it.
        if !reader.isWithinMessage { client.deadlines.message = ClientDeadlines.never }
        switch event {
        case .message(let payload):
            if reader.compressedBytes > 0 {
                client.loop.metrics.counters.add(.compressedBytesReceived, reader.compressedBytes)
                client.loop.metrics.counters.add(.inflatedBytesReceived, payload.bytes.readableBytes)
            }
            return arrival(of: payload, client, now: now)
        case .ping(let payload):
            if mayControl(client, now: now) { client.reply(WebSocketFrame.encode(.pong, payload: payload)) }
        case .pong:
            _ = mayControl(client, now: now)
        case .close(let code, _):
            hasPeerClosed = true
            client.end(.normal, farewell: WebSocketFrame.closeAnswer(code))
        case .failure(let disconnect, let reason):
            client.loop.node.logger.debug("client broke the protocol", metadata: ["reason": "\(reason)"])
            client.end(disconnect, reason: reason)
        }
        return .control
    }

    /// Whether one more ping or pong is within the limit; ends the client when it is not.
    private func mayControl(_ client: Client, now: UInt64) -> Bool {
        let limit = client.limits.maxControlFramesPerSecond
        if controlFrames.take(of: Rate(perSecond: limit), now: now) { return true }
        client.end(.policyViolation, reason: "more than \(limit) pings and pongs in a second")
        return false
    }

    func turnEnded(now: UInt64) {
        guard let client else { return }
        if reader.isUnfinished, !client.inbound.isPaused {
            client.messageBegun(now: now)
        } else {
            client.deadlines.message = ClientDeadlines.never
        }
    }

    // MARK: What goes out

    func seal(_ body: consuming Body) -> ByteBuffer {
        let frame = framing.seal(body)
        return deflate?.reseal(frame) ?? frame
    }

    /// Whoever seals messages in another way has no part of them that can leave as it is.
    final func head(of body: Body) -> ByteBuffer? {
        deflate == nil && type(of: self) == WebSocketTransport.self ? framing.head(of: body) : nil
    }

    var keepAlive: KeepAliveMode? { .serverPings }

    var ping: ByteBuffer { Self.ping }

    private static let ping = WebSocketFrame.encode(.ping, payload: ByteBuffer())

    /// A close frame. RFC 6455 §7.1.1: the server ends the connection first.
    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        let then: AfterLastBytes =
            switch disconnect {
            case .normal where hasPeerClosed: .closeSocket
            // It broke the protocol, and its close frame may never be understood.
            case .protocolError, .invalidPayload, .policyViolation, .messageTooBig: .endOutput
            default: .awaitPeer
            }
        return (WebSocketFrame.close(code: disconnect.code, reason: reason), then)
    }

    var changesFrames: Bool { false }
    func changed(_ frame: SplitFrame) -> SplitFrame { frame }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { WebSocketFrame.boundary(in: bytes, from: taken) }
}
