import NIOCore

/// Puts the fragments of a message together (RFC 6455 §5.4).
struct MessageAssembler: Sendable {
    private var kind: Payload.Kind?
    private var earlier = ByteBuffer()
    private var fragments = 0
    private var text = UTF8Validator()

    /// Whether a message has begun and not ended.
    var isOpen: Bool { kind != nil }

    /// Bytes of the fragments so far.
    var byteCount: Int { earlier.readableBytes }

    /// A data frame begins; `false` when the message has too many.
    mutating func begin(_ header: FrameHeader) -> Bool {
        if header.opcode != .continuation {
            kind = header.opcode == .text ? .text : .binary
            fragments = 0
            text = UTF8Validator()
        }
        fragments += 1
        return fragments <= WebSocketReader.maximumFragments
    }

    /// Unmasked bytes of the current frame; `false` when they can't be UTF-8 and should be.
    mutating func feedText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        kind != .text || text.feed(bytes)
    }

    /// A data frame is complete; the message, if it was the last one.
    mutating func add(_ body: ByteBuffer, isFinal: Bool) -> Payload? {
        guard isFinal, let kind else {
            earlier.writeImmutableBuffer(body)
            return nil
        }
        self.kind = nil
        guard earlier.readableBytes > 0 else { return Payload(kind: kind, bytes: body) }
        earlier.writeImmutableBuffer(body)
        let whole = earlier
        earlier = ByteBuffer()
        return Payload(kind: kind, bytes: whole)
    }

    /// Whether the text that just ended did so between characters.
    var textIsComplete: Bool { text.isComplete }
}
