import FanfareCore
import FanfareWire

/// What a client's packets are to it, on either transport.
struct EngineIOPackets {
    /// Packets that bring nothing, which the client may still send.
    private var others = RateLimit()

    /// A packet came; a `1` is the transport's business.
    mutating func arrival(of packet: EngineIOPacket, _ client: Client, now: UInt64) -> Arrival {
        switch packet.kind {
        case .message: return .message(packet.data)
        case .ping: client.end(.protocolError, reason: "pings go from the server to its clients")
        case .pong:
            client.lifeSeen(now: now)
            limit(client, now: now)
        // The reference passes over these.
        case .open, .close, .upgrade, .noop: limit(client, now: now)
        }
        return .control
    }

    private mutating func limit(_ client: Client, now: UInt64) {
        let limit = client.limits.maxControlFramesPerSecond
        if others.take(of: Rate(perSecond: limit), now: now) { return }
        client.end(.policyViolation, reason: "more than \(limit) packets without a message in a second")
    }
}

/// A POST under way: its packets that are not begun, and who waits for that.
struct EngineIOInbox {
    private var payload: EngineIOPayload
    private let answer: (SessionOutcome) -> Void

    init(_ payload: EngineIOPayload, _ answer: @escaping (SessionOutcome) -> Void) {
        (self.payload, self.answer) = (payload, answer)
    }

    /// Whether all packets are begun.
    var isEmpty: Bool { payload.isEmpty }

    mutating func next() -> EngineIOPacket? { payload.next() }

    /// The client has begun all packets, or the session has ended and nobody needs them.
    func taken() { answer(.taken) }
}
