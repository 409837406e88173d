import NIOCore
import Synchronization

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

/// A join or leave with its frames, too small to compress, each made when a first client takes it and shared by every event
/// loop and subscriber.
public final class PreparedPresenceEvent: Sendable {
    public let event: PresenceEvent
    private let formats: FormatTable
    private let frames = Mutex(PerFormat<ByteBuffer?>())

    /// - Parameter formats: those of the node.
    public init(_ event: PresenceEvent, formats: FormatTable) {
        self.event = event
        self.formats = formats
    }

    /// The ready bytes in `format`; `nil`: clients of that format don't hear of others.
    public func frame(_ format: WireFormat) -> ByteBuffer? {
        guard let plain = formats.plain(format) else { return nil }
        return frames.withLock { frames in
            if let frame = frames[plain.format] { return frame }
            let frame = plain.encoder.presence(event)
            frames.add(plain.format, frame)
            return frame
        }
    }
}
