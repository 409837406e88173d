import FanfareWire
import NIOCore

/// Bytes to frames, cut anywhere: a WebSocket message may hold a part of a frame, or several ("STOMP Frames").
///
/// Incremental: no byte is looked at twice in the search for the end of a line or a body. What waits is at most the head's limit or a
/// body's, and what the last message brought; a length that a client only claims reserves nothing. After a mistake nothing is read.
public struct STOMPReader: Sendable {
    private enum State: Sendable {
        /// Between frames, where any number of line ends may stand: heart-beats, too.
        case between
        /// So many bytes of a frame's head are taken; no frame: not even its command is.
        case head(STOMPFrame?, bytes: Int)
        /// The head is whole. Without a length the body ends at the first NUL.
        case body(STOMPFrame, length: Int?)
        case failed(STOMPError)
    }

    private var state = State.between
    private var bytes = ByteBuffer()
    /// Bytes at the front of ``bytes`` that are known to hold no end.
    private var searched = 0
    private let maxBodyBytes: Int
    /// What CONNECT agreed on; `nil`: that is to come, and no other frame is read.
    public var version: STOMPVersion?
    /// Whether bytes came that were not looked at.
    public private(set) var hasNew = false

    /// - Parameter maxBodyBytes: of a SEND.
    public init(maxBodyBytes: Int) { self.maxBodyBytes = maxBodyBytes }

    /// Whether a frame has begun and not ended.
    public var isWithinFrame: Bool {
        switch state {
        case .between, .failed: false
        case .head, .body: true
        }
    }

    /// Bytes that wait.
    public var waitingBytes: Int { bytes.readableBytes }

    /// Takes what a message brought.
    public mutating func feed(_ more: ByteBuffer) {
        hasNew = true
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            bytes.discardReadBytes()
            bytes.writeImmutableBuffer(more)
        }
    }

    /// The next whole frame; `nil`: more must come.
    public mutating func next() throws(STOMPError) -> STOMPFrame? {
        do {
            while true {
                switch try step() {
                case .frame(let frame): return frame
                case .goOn: continue
                case .wait:
                    hasNew = false
                    keepLittle()
                    return nil
                }
            }
        } catch {
            (state, bytes, hasNew) = (.failed(error), ByteBuffer(), false)
            throw error
        }
    }

    /// What waits keeps no big message's memory.
    private mutating func keepLittle() {
        let count = bytes.readableBytes
        if count == 0 {
            bytes = ByteBuffer()
        } else if bytes.storageCapacity > 2 * count + 1_024 {
            bytes = ByteBuffer(bytes: bytes.readableBytesView)
        }
    }

    private enum Step {
        case frame(STOMPFrame)
        case goOn
        case wait
    }

    private mutating func step() throws(STOMPError) -> Step {
        switch state {
        case .between: return try skipLineEnds()
        case .head(let frame, let taken): return try takeLine(frame, taken)
        case .body(let frame, let length): return try takeBody(frame, length)
        case .failed(let error): throw error
        }
    }

    private mutating func skipLineEnds() throws(STOMPError) -> Step {
        bytes.moveReaderIndex(forwardBy: bytes.withUnsafeReadableBytes(Self.lineEnds))
        searched = 0
        let view = bytes.readableBytesView
        guard let first = view.first else { return .wait }
        guard first == 0x0D else {
            state = .head(nil, bytes: 0)
            return .goOn
        }
        guard view.count == 1 else { throw STOMPError("a carriage return between frames") }
        return .wait
    }

    /// How many bytes at the front are line ends. A message may hold nothing else, so each costs no more than its byte.
    private static func lineEnds(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        while count < bytes.count {
            if bytes[count] == 0x0A {
                count += 1
            } else if bytes[count] == 0x0D, count + 1 < bytes.count, bytes[count + 1] == 0x0A {
                count += 2
            } else {
                break
            }
        }
        return count
    }

    private mutating func takeLine(_ frame: STOMPFrame?, _ taken: Int) throws(STOMPError) -> Step {
        let view = bytes.readableBytesView
        guard let end = view[(view.startIndex + searched)...].firstIndex(of: 0x0A) else {
            guard taken + view.count <= STOMPBounds.headBytes else { throw Self.tooLong }
            searched = view.count
            return .wait
        }
        let count = end - view.startIndex + 1
        guard taken + count <= STOMPBounds.headBytes else { throw Self.tooLong }
        var line = view[view.startIndex..<end]
        // "EOL = [CR] LF" is of 1.2; before CONNECT nobody knows which it is.
        if line.last == 0x0D, version ?? .v12 >= .v12 { line = line.dropLast() }
        bytes.moveReaderIndex(forwardBy: count)
        searched = 0
        guard var frame else {
            guard let command = STOMPCommand(line) else { throw STOMPError("unknown command '\(Self.quote(line))'") }
            // Nothing of it could mean anything, so nothing of it is kept.
            guard version != nil || command.isConnect else { throw STOMPError("\(command.rawValue) before CONNECT") }
            state = .head(STOMPFrame(command), bytes: taken + count)
            return .goOn
        }
        guard !line.isEmpty else {
            state = .body(frame, length: try length(of: frame))
            return .goOn
        }
        guard frame.headers.count < STOMPBounds.headers else {
            throw STOMPError("a frame has more than \(STOMPBounds.headers) headers", .policyViolation)
        }
        frame.headers.append(try header(line, of: frame.command))
        state = .head(frame, bytes: taken + count)
        return .goOn
    }

    private func header(_ line: ByteBufferView, of command: STOMPCommand) throws(STOMPError) -> STOMPFrame.Header {
        guard !line.contains(0) else { throw STOMPError("a frame ends within its headers") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw STOMPError("a header without a colon: '\(Self.quote(line))'")
        }
        let version = command.isConnect ? .v10 : version ?? .v10
        if version >= .v12, line.contains(0x0D) { throw STOMPError("a carriage return within a header") }
        let name = try STOMPEscapes.read(line[..<colon], version)
        guard !name.isEmpty else { throw STOMPError("a header without a name") }
        var value = line[(colon + 1)...]
        // The examples of 1.0 have a space there, and its clients write one.
        if version == .v10 { value = value.drop { $0 == UInt8(ascii: " ") } }
        return .init(name, try STOMPEscapes.read(value, version))
    }

    /// What content-length says, held against the limit; `nil`: there is none.
    private func length(of frame: STOMPFrame) throws(STOMPError) -> Int? {
        guard let text = frame["content-length"] else { return nil }
        let digits = text.utf8
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw STOMPError("content-length is no number")
        }
        // What is beyond any number is beyond the limit.
        let length = Int(text.string) ?? .max
        try check(length, frame)
        return length
    }

    private func check(_ length: Int, _ frame: STOMPFrame) throws(STOMPError) {
        guard frame.command == .send || length == 0 else {
            throw STOMPError("\(frame.command.rawValue) must have no body")
        }
        guard length <= maxBodyBytes else {
            throw STOMPError("the body is above the limit of \(maxBodyBytes) bytes", .messageTooBig)
        }
    }

    private mutating func takeBody(_ frame: STOMPFrame, _ length: Int?) throws(STOMPError) -> Step {
        let view = bytes.readableBytesView
        let count: Int
        if let length {
            guard view.count > length else { return .wait }
            guard view[view.startIndex + length] == 0 else {
                throw STOMPError("no NUL after the \(length) bytes of content-length")
            }
            count = length
        } else if let end = view[(view.startIndex + searched)...].firstIndex(of: 0) {
            count = end - view.startIndex
            try check(count, frame)
        } else {
            try check(view.count, frame)
            searched = view.count
            return .wait
        }
        var frame = frame
        frame.body = body(count)
        state = .between
        searched = 0
        return .frame(frame)
    }

    /// Takes a body and its NUL. A small one gets memory of its own, so that it does not keep a big message's.
    private mutating func body(_ count: Int) -> ByteBuffer {
        let isMost = count * 2 >= bytes.storageCapacity
        let body = bytes.readSlice(length: count) ?? ByteBuffer()
        bytes.moveReaderIndex(forwardBy: 1)
        return isMost || count == 0 ? body : ByteBuffer(bytes: body.readableBytesView)
    }

    private static let tooLong = STOMPError(
        "a frame has more than \(STOMPBounds.headBytes) bytes of headers", .policyViolation)

    private static func quote(_ bytes: ByteBufferView) -> String {
        String(decoding: bytes.prefix(STOMPBounds.quotedBytes).filter { $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self)
    }
}
