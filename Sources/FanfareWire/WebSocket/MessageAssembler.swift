import NIOCore

/// Puts the fragments of a message together (RFC 6455 §5.4), behind room for the header with which a server would send it
/// on: most messages are.
struct MessageAssembler: Sendable {
    private var body = ByteBuffer()
    private var kind: Payload.Kind?
    private var text = UTF8Validator()
    /// Whether what is gathered is compressed.
    private(set) var isCompressed = false
    private var frames: UInt32 = 0
    /// Frames of the message so far.
    var fragments: Int { Int(frames) }

    /// Whether a message has begun and not ended.
    var isOpen: Bool { kind != nil }

    /// Bytes of the message so far.
    var byteCount: Int { body.readableBytes }

    /// The longest header.
    private static let headerRoom = 10

    /// Memory behind them.
    var heldBytes: Int { body.storageCapacity }

    /// A data frame begins.
    mutating func begin(_ header: FrameHeader) {
        if header.opcode != .continuation {
            kind = header.opcode == .text ? .text : .binary
            isCompressed = header.isCompressed
            frames = 0
            text = UTF8Validator()
        }
        frames += 1
    }

    /// Takes masked bytes of the current frame; `false` when they can't be UTF-8 and should be.
    mutating func write(_ bytes: UnsafeRawBufferPointer, mask: UInt32, phase: Int) -> Bool {
        guard !bytes.isEmpty else { return true }
        if body.writerIndex == 0 {
            body = ByteBufferAllocator().buffer(capacity: Self.headerRoom + bytes.count)
            body.moveWriterIndex(to: Self.headerRoom)
            body.moveReaderIndex(to: Self.headerRoom)
        }
        let before = body.readableBytes
        Unmask.write(bytes, mask: mask, phase: phase, to: &body)
        guard kind == .text, !isCompressed else { return true }
        return body.withUnsafeReadableBytes { text.feed(UnsafeRawBufferPointer(rebasing: $0[before...])) }
    }

    /// What became of a compressed message.
    enum Inflation {
        /// It is a plain one now.
        case done
        /// It has no right to be one: the end of the connection.
        case failed(Disconnect, String)
    }

    /// The last data frame is complete and the message compressed: makes it a plain one.
    mutating func inflate(limit: Int, _ body: (inout ByteBuffer, _ headerRoom: Int) -> Inflater.Outcome) -> Inflation {
        // What is gathered is alone in its storage, so more can be put behind it.
        switch body(&self.body, Self.headerRoom) {
        case .message(let message):
            isCompressed = false
            self.body = message
            guard kind == .text else { return .done }
            let isText = message.withUnsafeReadableBytes { text.feed($0) }
            return isText ? .done : .failed(.invalidPayload, "text is not UTF-8")
        case .tooBig:
            return .failed(.messageTooBig, "message above the limit of \(limit) bytes when inflated")
        case .corrupt:
            return .failed(.invalidPayload, "message is not a DEFLATE stream")
        }
    }

    /// The last data frame is complete: the message.
    mutating func end() -> Payload? {
        guard let kind else { return nil }
        defer {
            self.kind = nil
            body = ByteBuffer()
        }
        guard body.readableBytes > 0 else { return Payload(kind: kind, bytes: body) }
        // The header with which a server sends it on: see `WebSocketFrame.existing`.
        let start = body.readerIndex
        WebSocketFrame.writeHeader(.init(kind), before: &body)
        body.moveReaderIndex(to: start)
        return Payload(kind: kind, bytes: body)
    }

    /// Whether the text that just ended did so between characters.
    var textIsComplete: Bool { text.isComplete }
}
