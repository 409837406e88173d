import NIOCore

/// A client came into a channel, or is gone from it.
public struct PresenceEvent: Sendable, Equatable {
    /// Which of both. The raw value is its kind between nodes.
    public enum Kind: UInt8, Sendable {
        /// It came.
        case join = 5
        /// It left, or its node died.
        case leave = 6
    }

    public var channel: ChannelName
    public var kind: Kind
    public var info: ClientInfo

    public init(channel: ChannelName, kind: Kind, info: ClientInfo) {
        self.channel = channel
        self.kind = kind
        self.info = info
    }
}

/// A join or leave with its frames, too small to compress, encoded once where it enters the node and shared by every event loop and subscriber.
public final class PreparedPresenceEvent: Sendable {
    public let event: PresenceEvent
    private let frames: PerFormat<ByteBuffer?>

    public init(_ event: PresenceEvent) {
        self.event = event
        self.frames = PerFormat { $0 == $0.plain ? $0.encode(event) : nil }
    }

    /// The ready bytes in `format`; `nil`: clients of that format don't hear of others.
    public func frame(_ format: WireFormat) -> ByteBuffer? { frames[format.plain] }
}

extension WireFormat {
    /// The ready bytes of a join or leave; `nil` where the format has none.
    public func encode(_ event: PresenceEvent) -> ByteBuffer? {
        switch self {
        case .rawWebSocket, .rawWebSocketDeflate: nil
        case .centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate: CentrifugeJSONEncoder.presenceFrame(event)
        }
    }
}
