import NIOCore

/// A packet of Engine.IO 4 as a client sends it: its kind, and what is behind.
public struct EngineIOPacket: Sendable, Equatable {
    /// The character before a packet's data; a binary message has none on a WebSocket, and `b` where one polls.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// The server's first: what the session is, see ``EngineIOHandshake``.
        case open = 0x30
        /// The session ends.
        case close = 0x31
        /// The server asks for a sign of life; with `probe` the client asks whether a WebSocket works.
        case ping = 0x32
        /// The answer to either.
        case pong = 0x33
        /// What the protocol above says.
        case message = 0x34
        /// The client has moved to its WebSocket.
        case upgrade = 0x35
        /// Nothing: ends a poll.
        case noop = 0x36
    }

    public let kind: Kind
    /// Without the character of the kind.
    public let data: Payload

    public init(_ kind: Kind, _ data: Payload = Payload(text: "")) { (self.kind, self.data) = (kind, data) }

    /// Takes a WebSocket message apart; `nil`: it is no packet.
    public init?(_ message: Payload) {
        guard message.kind == .text else {
            self.init(.message, message)
            return
        }
        self.init(text: message.bytes)
    }

    /// - Parameter text: valid UTF-8.
    init?(text: ByteBuffer) {
        var data = text
        guard let kind = data.readInteger(as: UInt8.self).flatMap(Kind.init) else { return nil }
        self.init(kind, Payload(kind: .text, bytes: data))
    }

    /// The same, with memory of its own: whoever keeps the data keeps nothing of what stood beside it.
    init?(copying text: ByteBuffer) {
        guard let packet = EngineIOPacket(text: text) else { return nil }
        let data = packet.data.bytes.withUnsafeReadableBytes { Payload(kind: .text, copying: $0) }
        self.init(packet.kind, data)
    }

    /// Whether it is the question on a new WebSocket, or the answer to it.
    public var isProbe: Bool { data.kind == .text && data.bytes.readableBytesView.elementsEqual("probe".utf8) }
}
