import NIOCore

/// Bytes from a client in, whole messages out: frames, masks, fragments, limits (RFC 6455 §5–§7), no I/O.
///
/// Every payload byte is unmasked straight into its message's own buffer. So nothing that was read is written to or kept:
/// what is held is the message so far and the beginning of a header, and between messages nothing at all. A caller that
/// stops asking for events makes it hold what it was fed meanwhile.
public struct WebSocketReader {
    /// What came in.
    public enum Event: Sendable, Equatable {
        /// A whole message, unmasked; text is valid UTF-8.
        case message(Payload)
        /// Answer with a pong of the same payload.
        case ping(ByteBuffer)
        case pong(ByteBuffer)
        /// The peer's close frame; no code when its body was empty.
        case close(code: UInt16?, reason: String)
        /// Fatal: close with that code, the text is for the log. After it comes nothing more.
        case failure(Disconnect, String)
    }

    private enum State {
        /// Between frames.
        case header
        /// In the payload of a frame; `done` bytes of it were taken. It is no longer than a message may be.
        case payload(FrameHeader, done: UInt32)
        /// After a failure or a close.
        case ended
    }

    // A node has as many of these as clients, so limits and counts have 32 bits: a message is in one buffer, which holds no more.
    private let limits: (messageBytes: UInt32, fragments: UInt32)
    private var deflate: Deflate
    private var lastCompressed: UInt32 = 0
    private var state = State.header
    private var input = ByteBuffer()
    /// The payload of a control frame that is under way.
    private var control = ByteBuffer()
    private var assembler = MessageAssembler()

    private var maxMessageBytes: Int { Int(limits.messageBytes) }
    private var maxFragments: Int { Int(limits.fragments) }
    /// Bytes of the last message as it came, if it was compressed; else 0.
    public var compressedBytes: Int { Int(lastCompressed) }

    /// - Parameters:
    ///   - maxMessageBytes: most bytes of one message, all its fragments together.
    ///   - maxFragments: most fragments of one message; an endless row of empty ones is an attack.
    ///   - deflate: how messages may be compressed; `nil`: not at all.
    public init(maxMessageBytes: Int, maxFragments: Int, deflate: DeflateAgreement? = nil) {
        limits = (UInt32(clamping: maxMessageBytes), UInt32(clamping: maxFragments))
        self.deflate =
            deflate.map { $0.clientContext ? .context(nil, bits: UInt8($0.clientWindowBits)) : .alone } ?? .off
    }

    /// How compressed messages are read.
    private enum Deflate {
        /// There may be none.
        case off
        /// Each stands for itself.
        case alone
        /// They may refer to earlier ones: a stream of the client's own, from its first compressed message on.
        case context(Inflater?, bits: UInt8)

        var isOff: Bool { if case .off = self { true } else { false } }
    }

    /// Whether a message has begun and not ended.
    public var isWithinMessage: Bool { assembler.isOpen }

    /// Whether a message or a frame has begun and not ended, as far as ``next()`` was asked.
    public var isUnfinished: Bool {
        if case .payload = state { return true }
        return assembler.isOpen || input.readableBytes > 0
    }

    /// Bytes held now.
    public var bufferedBytes: Int { input.readableBytes + assembler.byteCount + control.readableBytes }

    /// Memory behind them.
    var heldBytes: Int { input.storageCapacity + assembler.heldBytes + control.storageCapacity }

    /// Takes what was read.
    public mutating func feed(_ bytes: ByteBuffer) {
        if case .ended = state { return }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            // Into a buffer of its own, so that what was consumed before is let go.
            var joined = ByteBuffer()
            joined.reserveCapacity(input.readableBytes + bytes.readableBytes)
            joined.writeImmutableBuffer(input)
            joined.writeImmutableBuffer(bytes)
            input = joined
        }
    }

    /// The next event; `nil` when more bytes are needed.
    public mutating func next() -> Event? {
        while true {
            switch state {
            case .ended:
                return nil
            case .header:
                switch FrameHeader.parse(&input, deflate: !deflate.isOff) {
                case .incomplete:
                    keepRest()
                    return nil
                case .invalid(let what):
                    return fail(.protocolError, what)
                case .header(let header):
                    if let failure = check(header) { return failure }
                    state = .payload(header, done: 0)
                }
            case .payload(let header, let done):
                switch payload(header, done: Int(done)) {
                case .event(let event): return event
                case .needsMore: return nil
                case .goOn: continue
                }
            }
        }
    }

    /// What a piece of payload led to.
    private enum Step {
        /// Something to report.
        case event(Event)
        /// The frame is not complete.
        case needsMore
        /// The frame is, its message is not.
        case goOn
    }

    private mutating func check(_ header: FrameHeader) -> Event? {
        switch header.opcode {
        case .continuation:
            guard assembler.isOpen else { return fail(.protocolError, "continuation of nothing") }
        case .text, .binary:
            guard !assembler.isOpen else { return fail(.protocolError, "new message within a fragmented one") }
        case .close, .ping, .pong:
            return nil
        }
        assembler.begin(header)
        let limit = maxMessageBytes + (assembler.isCompressed ? DeflateAgreement.growth(maxMessageBytes) : 0)
        guard header.payloadLength <= UInt64(max(0, limit - assembler.byteCount)) else {
            return fail(.messageTooBig, "message above the limit of \(maxMessageBytes) bytes")
        }
        guard assembler.fragments <= maxFragments else {
            return fail(.policyViolation, "message of more than \(maxFragments) fragments")
        }
        return nil
    }

    private mutating func payload(_ header: FrameHeader, done: Int) -> Step {
        // A control frame has at most 125 bytes, a data frame passed the limit above: both fit an `Int`.
        let length = Int(header.payloadLength)
        let count = min(length - done, input.readableBytes)
        let isText = input.withUnsafeReadableBytes { bytes in
            let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            guard header.opcode.isControl else { return assembler.write(part, mask: header.mask, phase: done) }
            Unmask.write(part, mask: header.mask, phase: done, to: &control)
            return true
        }
        guard isText else { return .event(fail(.invalidPayload, "text is not UTF-8")) }
        input.moveReaderIndex(forwardBy: count)
        guard done + count == length else {
            state = .payload(header, done: UInt32(done + count))
            keepRest()
            return .needsMore
        }
        state = .header
        switch header.opcode {
        case .ping: return .event(.ping(takeControl()))
        case .pong: return .event(.pong(takeControl()))
        case .close:
            let event = CloseFrame.read(control)
            end()
            return .event(event)
        case .text, .binary, .continuation:
            guard header.isFinal else { return .goOn }
            lastCompressed = 0
            if assembler.isCompressed, let failure = inflate() { return .event(failure) }
            guard let payload = assembler.end() else { return .goOn }
            guard payload.kind == .binary || assembler.textIsComplete else {
                return .event(fail(.invalidPayload, "text ends within a character"))
            }
            return .event(.message(payload))
        }
    }

    private mutating func inflate() -> Event? {
        let bytes = assembler.byteCount
        if case .context(nil, let bits) = deflate {
            deflate = .context(Inflater(windowBits: Int(bits)), bits: bits)
        }
        let limit = maxMessageBytes
        let inflation = assembler.inflate(limit: limit) { [deflate] body, headerRoom in
            if case .context(let inflater, _) = deflate {
                return inflater?.inflate(&body, limit: limit, headerRoom: headerRoom) ?? .tooBig
            }
            return Inflater.inflateAlone(&body, limit: limit, headerRoom: headerRoom)
        }
        if case .failed(let disconnect, let what) = inflation { return fail(disconnect, what) }
        lastCompressed = UInt32(bytes)
        return nil
    }

    private mutating func takeControl() -> ByteBuffer {
        defer { control = ByteBuffer() }
        return control
    }

    private mutating func fail(_ disconnect: Disconnect, _ what: String) -> Event {
        end()
        return .failure(disconnect, what)
    }

    private mutating func end() {
        state = .ended
        input = ByteBuffer()
        control = ByteBuffer()
        assembler = MessageAssembler()
        if case .context(_, let bits) = deflate { deflate = .context(nil, bits: bits) }
    }

    /// Lets what was read go: an idle client costs no buffer, one within a header a few bytes.
    private mutating func keepRest() {
        input = input.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: input.readableBytesView)
    }
}
