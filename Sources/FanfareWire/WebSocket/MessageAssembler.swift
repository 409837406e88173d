import NIOCore

/// Puts the fragments of a message together (RFC 6455 §5.4).
struct MessageAssembler: Sendable {
    private var kind: Payload.Kind?
    private var body = ByteBuffer()
    private var fragments = 0
    private var text = UTF8Validator()

    /// Whether a message has begun and not ended.
    var isOpen: Bool { kind != nil }

    /// Bytes of the message so far.
    var byteCount: Int { body.readableBytes }

    /// Memory behind them.
    var heldBytes: Int { body.storageCapacity }

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

    /// Takes masked bytes of the current frame; `false` when they can't be UTF-8 and should be.
    mutating func write(_ bytes: UnsafeRawBufferPointer, mask: UInt32, phase: Int) -> Bool {
        let before = body.readableBytes
        Unmask.write(bytes, mask: mask, phase: phase, to: &body)
        guard kind == .text else { return true }
        return body.withUnsafeReadableBytes { text.feed(UnsafeRawBufferPointer(rebasing: $0[before...])) }
    }

    /// The last data frame is complete: the message.
    mutating func end() -> Payload? {
        guard let kind else { return nil }
        defer {
            self.kind = nil
            body = ByteBuffer()
        }
        return Payload(kind: kind, bytes: body)
    }

    /// Whether the text that just ended did so between characters.
    var textIsComplete: Bool { text.isComplete }
}
