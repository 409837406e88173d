import NIOCore

/// What a publication carries: bytes, and whether they are text.
public struct Payload: Sendable, Equatable {
    /// How the bytes leave on a transport that tells text from binary.
    public enum Kind: UInt8, Sendable {
        /// Valid UTF-8; leaves as a WebSocket text message.
        case text = 0
        /// Any bytes; leaves as a WebSocket binary message.
        case binary = 1
    }

    public let kind: Kind
    public let bytes: ByteBuffer

    public init(kind: Kind, bytes: ByteBuffer) {
        self.kind = kind
        self.bytes = bytes
    }

    /// A text payload.
    public init(text: String) {
        self.init(kind: .text, bytes: ByteBuffer(string: text))
    }
}

/// One message in one channel, as it travels between nodes.
public struct Publication: Sendable, Equatable {
    public var channel: ChannelName
    public var payload: Payload
    /// When a node accepted it: microseconds since 1970-01-01 UTC by that node's clock. 0 when unknown, as for a plain
    /// Redis `PUBLISH` by a backend.
    public var publishedAt: UInt64
    /// Its place in the channel's stream; `nil` in a channel without history.
    public var position: StreamPosition?
    /// The offset before it where that is not one less, because the stream leapt; `nil` everywhere else.
    public var follows: UInt64?
    /// What it carries beside its payload; `nil`: nothing, as nearly always.
    public var metadata: PublicationMetadata?

    public init(
        channel: ChannelName, payload: Payload, publishedAt: UInt64 = 0, position: StreamPosition? = nil,
        metadata: PublicationMetadata? = nil
    ) {
        self.channel = channel
        self.payload = payload
        self.publishedAt = publishedAt
        self.position = position
        self.metadata = metadata
    }

    /// The same, not to be heard by that client; `nil` changes nothing.
    public func excluding(_ client: ClientID?) -> Publication {
        guard let client else { return self }
        var publication = self
        publication.metadata = PublicationMetadata(
            tags: metadata?.tags ?? .none, info: metadata?.info, excludedClient: client,
            unless: metadata?.unless ?? [], qos: metadata?.qos)
        return publication
    }

    /// Bytes of the payload and of what is beside it: what bounds of memory count.
    public var size: Int { payload.bytes.readableBytes + (metadata?.size ?? 0) }
}
