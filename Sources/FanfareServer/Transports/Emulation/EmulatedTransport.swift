import FanfareCore
import FanfareWire
import NIOCore

/// A client of a protocol with messages that hears the answer to its request, and says the rest in requests of their own. Only
/// the first message comes with the request itself. Lives on its client's event loop.
final class EmulatedTransport: StreamTransport {
    /// What its requests have to show; `nil`: it sends none, and only hears.
    private let session: SessionID?
    /// Messages that came and are not begun.
    private var inbox = CircularBuffer<Payload>()
    private var inboxBytes = 0

    init(_ form: StreamForm, session: SessionID?) {
        self.session = session
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

    override var keepAlive: KeepAliveMode? { session == nil ? .serverPingsOnly : .serverPings }

    override func seal(_ body: consuming Body) -> ByteBuffer {
        switch form.messages {
        case .events: form.seal(body)
        case .lines: form.delimiting.seal(LineFraming().seal(body, at: nil))
        }
    }

    override func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        guard let body = client?.session.farewell(disconnect, reason: reason) else {
            return super.farewell(disconnect, reason: reason)
        }
        var last = seal(body)
        last.writeImmutableBuffer(form.delimiting.end)
        return (last, .endOutput)
    }
}
