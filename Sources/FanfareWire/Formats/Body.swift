import NIOCore

/// One message of a protocol, without anything that a transport puts around it: what a codec makes and a framing seals.
public struct Body: Sendable, Equatable {
    /// Most bytes of a header that a framing can put before a written body without a copy.
    static let room = 16

    /// How it leaves on a transport that tells text from binary.
    public let kind: Payload.Kind
    public let bytes: ByteBuffer
    /// What the message goes on with, in memory that other messages may hold, too. Empty in all but big answers, and only in those:
    /// a publication's message is one piece. Whoever has to have one piece takes ``joined``.
    public let rest: [ByteBuffer]
    /// Binary messages that follow at once, with nothing in between, where a protocol says one thing in several messages: Socket.IO's
    /// attachments. Empty in every other protocol; only ``EngineIOFraming`` sends them.
    public let attachments: [ByteBuffer]
    /// Whether there are ``room`` bytes before it in its memory, which is its own.
    let hasRoom: Bool

    /// A publication's payload as it is, in memory that others may hold, too.
    public init(_ payload: Payload) {
        kind = payload.kind
        bytes = payload.bytes
        rest = []
        attachments = []
        hasRoom = false
    }

    /// What `write` writes, in memory of its own.
    ///
    /// - Parameters:
    ///   - sizeHint: bytes that it will be, about.
    ///   - rest: see the property.
    ///   - attachments: see the property.
    public init(
        _ kind: Payload.Kind, sizeHint: Int, rest: [ByteBuffer] = [], attachments: [ByteBuffer] = [],
        _ write: (inout ByteBuffer) -> Void
    ) {
        var bytes = ByteBufferAllocator().buffer(capacity: Self.room + sizeHint)
        bytes.moveWriterIndex(to: Self.room)
        bytes.moveReaderIndex(to: Self.room)
        write(&bytes)
        self.kind = kind
        self.bytes = bytes
        self.rest = rest
        self.attachments = attachments
        hasRoom = true
    }

    /// Bytes of the whole message.
    public var count: Int { rest.reduce(bytes.readableBytes) { $0 + $1.readableBytes } }

    /// The same message in one piece.
    public var joined: Body {
        guard !rest.isEmpty else { return self }
        return Body(kind, sizeHint: count, attachments: attachments) { buffer in
            buffer.writeImmutableBuffer(bytes)
            for part in rest { buffer.writeImmutableBuffer(part) }
        }
    }

    public static func == (lhs: Body, rhs: Body) -> Bool {
        lhs.kind == rhs.kind && lhs.joined.bytes == rhs.joined.bytes && lhs.attachments == rhs.attachments
    }
}
