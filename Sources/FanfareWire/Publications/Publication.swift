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
    /// How many bytes before ``bytes``, in the same storage, are its header as a server's message; 0: there are none.
    private let headerBytes: UInt8

    public init(kind: Kind, bytes: ByteBuffer) {
        self.kind = kind
        self.bytes = bytes
        headerBytes = 0
    }

    /// Copies `bytes` once, with what a WebSocket message needs before them.
    public init(kind: Kind, copying bytes: UnsafeRawBufferPointer) {
        let header = WebSocketFrame.headerLength(payloadLength: bytes.count)
        var message = ByteBuffer()
        message.reserveCapacity(header + bytes.count)
        WebSocketFrame.writeHeader(kind == .text ? .text : .binary, payloadLength: bytes.count, into: &message)
        message.writeBytes(bytes)
        self.init(kind: kind, message: message, headerBytes: header)
    }

    /// - Parameters:
    ///   - message: a whole WebSocket message as a server sends it.
    ///   - headerBytes: how many of its bytes come before the payload.
    init(kind: Kind, message: ByteBuffer, headerBytes: Int) {
        self.kind = kind
        var bytes = message
        bytes.moveReaderIndex(forwardBy: headerBytes)
        self.bytes = bytes
        self.headerBytes = UInt8(headerBytes)
    }

    /// The WebSocket message that a server sends for it, where it came with its header: no copy.
    var message: ByteBuffer? {
        guard headerBytes > 0 else { return nil }
        var message = bytes
        message.moveReaderIndex(to: bytes.readerIndex - Int(headerBytes))
        return message
    }

    public static func == (lhs: Payload, rhs: Payload) -> Bool { lhs.kind == rhs.kind && lhs.bytes == rhs.bytes }

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

    /// Bytes of the payload and of what is beside it: what bounds of memory count.
    public var size: Int { payload.bytes.readableBytes + (metadata?.size ?? 0) }
}
