import NIOCore

/// One message of a protocol, without anything that a transport puts around it: what a codec makes and a framing seals.
public struct Body: Sendable, Equatable {
    /// Most bytes of a header that a framing can put before a written body without a copy.
    static let room = 16

    /// How it leaves on a transport that tells text from binary.
    public let kind: Payload.Kind
    public let bytes: ByteBuffer
    /// Whether there are ``room`` bytes before it in its memory, which is its own.
    let hasRoom: Bool

    /// A publication's payload as it is, in memory that others may hold, too.
    public init(_ payload: Payload) {
        kind = payload.kind
        bytes = payload.bytes
        hasRoom = false
    }

    /// What `write` writes, in memory of its own.
    ///
    /// - Parameter sizeHint: bytes that it will be, about.
    public init(_ kind: Payload.Kind, sizeHint: Int, _ write: (inout ByteBuffer) -> Void) {
        var bytes = ByteBufferAllocator().buffer(capacity: Self.room + sizeHint)
        bytes.moveWriterIndex(to: Self.room)
        bytes.moveReaderIndex(to: Self.room)
        write(&bytes)
        self.kind = kind
        self.bytes = bytes
        hasRoom = true
    }

    public static func == (lhs: Body, rhs: Body) -> Bool { lhs.kind == rhs.kind && lhs.bytes == rhs.bytes }
}
