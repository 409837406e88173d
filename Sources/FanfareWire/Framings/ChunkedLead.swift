import NIOCore

/// A lead and a body as one chunk (RFC 9112 §7.1). The line break behind the chunk is the end of the body, so that all is shared but the lead.
public struct ChunkedLead: PersonalFraming {
    /// Bytes of that line break.
    private static let end = 2

    public init() {}

    public func seal(_ body: consuming Body, at position: StreamPosition?) -> ByteBuffer {
        let body = body
        var frame = ByteBuffer()
        writeHeader(of: body, behind: 0, into: &frame)
        frame.writeImmutableBuffer(body.bytes)
        return frame
    }

    public func writeHeader(of body: Body, behind lead: Int, into buffer: inout ByteBuffer) {
        buffer.writeString(String(lead + body.bytes.readableBytes - Self.end, radix: 16))
        buffer.writeStaticString("\r\n")
    }
}
