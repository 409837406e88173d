import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// A client of a protocol with messages that hears the answer to its request, and says the rest in requests of their own. Only
/// the first message comes with the request itself. Lives on its client's event loop.
final class EmulatedTransport: StreamTransport {
    /// What its requests have to show; `nil`: it sends none, and only hears.
    private let session: SessionID?
    /// How its messages are written.
    private let encoding: CentrifugeEncoding
    /// Whether the same request, as that of a browser which comes back by itself, brings the same first command and so the token in it.
    var keepsOwnToken = false
    /// Whether it brings the same token beside that: it is in the address, and not in a field or cookie.
    var keepsRequestToken = false
    /// Messages that came and are not begun.
    private var inbox = CircularBuffer<Payload>()
    private var inboxBytes = 0

    init(_ form: StreamForm, session: SessionID?, _ encoding: CentrifugeEncoding = .json) {
        self.session = session
        self.encoding = encoding
        super.init(form)
    }

    /// The message that came with the request, once the client has begun.
    func begin(with first: Payload) {
        guard let client, client.isOpen else { return }
        add(first, client)
    }

    /// A message came in a request.
    func take(_ message: Payload, for session: SessionID) -> EmulatedMessage.Outcome {
        guard let client, client.isOpen, self.session?.matches(session) == true else { return .gone }
        let most = EmulationBounds.waitingSizes * client.limits.maxMessageBytes
        guard inbox.count < client.limits.maxCommandsPerMessage,
            inbox.isEmpty || inboxBytes + message.bytes.readableBytes <= most
        else { return .full }
        add(message, client)
        return .taken
    }

    private func add(_ message: Payload, _ client: Client) {
        inbox.append(message)
        inboxBytes += message.bytes.readableBytes
        client.charge(bytes: message.bytes.readableBytes, now: client.loop.node.clock.monotonicMicroseconds())
        client.waitForTurn()
    }

    override func next(now: UInt64) -> Arrival? {
        guard let message = inbox.popFirst() else { return nil }
        inboxBytes -= message.bytes.readableBytes
        client?.lifeSeen(now: now)
        return .message(message)
    }

    /// What it sent before it went was taken, so it counts.
    override func channelInactive(context: ChannelHandlerContext) {
        client?.takeLastTurn()
        super.channelInactive(context: context)
    }

    /// Whether the token that counted comes again with the same request.
    private var keepsToken: Bool { client?.session.hasOwnToken == true ? keepsOwnToken : keepsRequestToken }

    override var keepAlive: KeepAliveMode? { session == nil ? .serverPingsOnly : .serverPings }

    override func seal(_ body: consuming Body) -> ByteBuffer {
        switch (encoding, form.messages) {
        case (.protobuf, _): form.delimiting.seal(LengthFraming().seal(body, at: nil))
        case (.json, .events): form.seal(body)
        case (.json, .lines): form.delimiting.seal(LineFraming().seal(body, at: nil))
        }
    }

    override func boundary(in bytes: ByteBuffer, from taken: Int) -> Int {
        guard encoding == .protobuf, form.delimiting == .bare else { return super.boundary(in: bytes, from: taken) }
        return LengthFraming().boundary(in: bytes, from: taken)
    }

    override func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        guard let body = client?.session.farewell(disconnect, reason: reason) else {
            return super.farewell(disconnect, reason: reason)
        }
        let isEnd = disconnect.advice != .reconnect || (disconnect == .expired && session == nil && keepsToken)
        var last = isEnd && form.messages == .events ? form.sealEnd(body) : seal(body)
        last.writeImmutableBuffer(form.delimiting.end)
        return (last, .endOutput)
    }
}
