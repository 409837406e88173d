import NIOCore

/// Bytes from a client in, whole messages out: frames, masks, fragments, limits (RFC 6455 §5–§7), no I/O.
///
/// Holds the bytes of the frame that is under way and of the message's earlier fragments, never more than the limit and
/// what one read brought; nothing between messages.
public struct WebSocketReader: Sendable {
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

    /// Fragments that one message may have; an endless row of empty ones is an attack.
    public static let maximumFragments = 16_384

    private enum State {
        /// Between frames.
        case header
        /// In the payload of a frame; `done` bytes of it are unmasked and checked.
        case payload(FrameHeader, done: Int)
        /// After a failure or a close.
        case ended
    }

    private let maxMessageBytes: Int
    private var state = State.header
    private var input = ByteBuffer()
    private var assembler = MessageAssembler()

    /// - Parameter maxMessageBytes: most bytes of one message, all its fragments together.
    public init(maxMessageBytes: Int) {
        self.maxMessageBytes = maxMessageBytes
    }

    /// Bytes held now.
    public var bufferedBytes: Int { input.readableBytes + assembler.byteCount }

    /// Takes what was read.
    public mutating func feed(_ bytes: ByteBuffer) {
        if case .ended = state { return }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeImmutableBuffer(bytes)
        }
    }

    /// The next event; `nil` when more bytes are needed.
    public mutating func next() -> Event? {
        while true {
            switch state {
            case .ended:
                return nil
            case .header:
                switch FrameHeader.parse(&input) {
                case .incomplete:
                    releaseIfEmpty()
                    return nil
                case .invalid(let what):
                    return fail(.protocolError, what)
                case .header(let header):
                    if let failure = check(header) { return failure }
                    state = .payload(header, done: 0)
                }
            case .payload(let header, let done):
                switch payload(header, done: done) {
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
        guard header.payloadLength <= UInt64(max(0, maxMessageBytes - assembler.byteCount)) else {
            return fail(.messageTooBig, "message above the limit of \(maxMessageBytes) bytes")
        }
        guard assembler.begin(header) else {
            return fail(.protocolError, "message of more than \(Self.maximumFragments) fragments")
        }
        return nil
    }

    private mutating func payload(_ header: FrameHeader, done: Int) -> Step {
        // A control frame has at most 125 bytes, a data frame passed the limit above: both fit an `Int`.
        let length = Int(header.payloadLength)
        let available = min(length, input.readableBytes)
        unmask(header, from: done, to: available)
        if !header.opcode.isControl, let failure = checkText(from: done, to: available) { return .event(failure) }
        guard available == length else {
            state = .payload(header, done: available)
            return .needsMore
        }
        state = .header
        guard let body = input.readSlice(length: length) else { return .needsMore }
        switch header.opcode {
        case .ping: return .event(.ping(body))
        case .pong: return .event(.pong(body))
        case .close:
            let event = CloseFrame.read(body)
            end()
            return .event(event)
        case .text, .binary, .continuation:
            guard let payload = assembler.add(body, isFinal: header.isFinal) else { return .goOn }
            guard payload.kind == .binary || assembler.textIsComplete else {
                return .event(fail(.invalidPayload, "text ends within a character"))
            }
            return .event(.message(payload))
        }
    }

    private mutating func unmask(_ header: FrameHeader, from done: Int, to available: Int) {
        guard available > done else { return }
        input.withUnsafeMutableReadableBytes { bytes in
            Unmask.apply(
                header.mask, phase: done, to: UnsafeMutableRawBufferPointer(rebasing: bytes[done..<available]))
        }
    }

    private mutating func checkText(from done: Int, to available: Int) -> Event? {
        let isValid = input.withUnsafeReadableBytes { bytes in
            assembler.feedText(UnsafeRawBufferPointer(rebasing: bytes[done..<available]))
        }
        return isValid ? nil : fail(.invalidPayload, "text is not UTF-8")
    }

    private mutating func fail(_ disconnect: Disconnect, _ what: String) -> Event {
        end()
        return .failure(disconnect, what)
    }

    private mutating func end() {
        state = .ended
        input = ByteBuffer()
        assembler = MessageAssembler()
    }

    /// Between messages nothing is held: an idle client costs no buffer.
    private mutating func releaseIfEmpty() {
        if input.readableBytes == 0 { input = ByteBuffer() }
    }
}
