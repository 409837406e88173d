import NIOCore

/// Bodies as events of an event stream (WHATWG HTML §9.2, "Server-sent events").
///
/// Text is a `message` event. The format knows three line breaks, CR, LF and CRLF, and gives each of them back as LF; all
/// other text arrives as it was. Binary is an event `binary` with Base64. A body with a position has it as the event's id, so
/// that a browser comes back with it in `Last-Event-ID`; one without leaves the reader at the id before it.
public struct EventStreamFraming: StreamFraming {
    /// A comment, which readers pass over: nothing but a sign of life. No empty line follows: once they have an id, some
    /// libraries (httpx-sse) hear one as an event without data.
    public static let ping = ByteBuffer(string: ":\n")

    /// Tells the reader how long it waits before it comes back once the stream has ended. Readers take it by itself, so no empty
    /// line follows here either.
    public static func retry(milliseconds: UInt32) -> ByteBuffer { ByteBuffer(string: "retry: \(milliseconds)\n") }

    public init() {}

    /// Of text without CRLF the exact size: each line break is one of its bytes, and one more line with seven around it.
    public func sizeHint(_ body: Body, at position: StreamPosition?) -> Int {
        let count = body.bytes.readableBytes
        let fields =
            switch body.kind {
            case .text: count + 7 + 6 * body.bytes.withUnsafeReadableBytes { $0.count(where: Self.isLineBreak) }
            case .binary: (count + 2) / 3 * 4 + 21
            }
        return fields + 1 + (position == nil ? 0 : 5 + StreamPosition.maximumTextBytes)
    }

    public func write(_ body: Body, at position: StreamPosition?, into frame: inout ByteBuffer) {
        if let position { frame.writeString("id: \(position)\n") }
        switch body.kind {
        case .text:
            body.bytes.withUnsafeReadableBytes { Self.writeLines($0, into: &frame) }
        case .binary:
            frame.writeStaticString("event: binary\ndata: ")
            frame.writeBytes(Base64.encode(body.bytes.readableBytesView))
            frame.writeStaticString("\n")
        }
        frame.writeStaticString("\n")
    }

    public func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        guard offset > 0 else { return 0 }
        return frames.withUnsafeReadableBytes { bytes in
            var end = offset
            while end < bytes.count, !Self.isEnd(end, in: bytes) { end += 1 }
            return min(end, bytes.count)
        }
    }

    /// An empty line ends an event, and there is none within it; pings and `retry` are one line. Lines of a payload begin with
    /// their field.
    private static func isEnd(_ end: Int, in frames: UnsafeRawBufferPointer) -> Bool {
        guard frames[end - 1] == 0x0A else { return false }
        let start = (frames[..<(end - 1)].lastIndex(of: 0x0A) ?? -1) + 1
        return start == end - 1 || frames[start] == UInt8(ascii: ":") || frames[start] == UInt8(ascii: "r")
    }

    /// A field for each line, also for an empty one: an event without any would not be one. Readers take one space away behind
    /// the colon, so a line may begin with more.
    private static func writeLines(_ text: UnsafeRawBufferPointer, into frame: inout ByteBuffer) {
        var start = 0
        while true {
            let end = text[start...].firstIndex(where: isLineBreak) ?? text.count
            frame.writeStaticString("data: ")
            frame.writeBytes(text[start..<end])
            frame.writeStaticString("\n")
            guard end < text.count else { return }
            let isPair = text[end] == 0x0D && end + 1 < text.count && text[end + 1] == 0x0A
            start = end + (isPair ? 2 : 1)
        }
    }

    private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}
