import NIOCore

/// A framing whose frames can be put together at a delivery: a header, a lead of the client's own, and a body that clients share.
public protocol PersonalFraming: Framing {
    /// Writes what comes before `lead` bytes and `body` in one frame. Nothing comes behind them.
    func writeHeader(of body: Body, behind lead: Int, into buffer: inout ByteBuffer)
}

/// Makes what the clients of one wire format share where each of them has a lead of its own: the body is encoded once for each
/// publication and node, the header before the lead once for each length of leads. Any thread.
public struct PersonalEncoder: Sendable {
    let body: @Sendable (Publication) -> Body
    let writeHeader: @Sendable (_ body: Body, _ lead: Int, _ buffer: inout ByteBuffer) -> Void
}

/// A publication in a format with leads, but for the lead.
public struct PersonalBody: Sendable {
    let body: Body
    let encoder: PersonalEncoder

    /// What clients share.
    public var bytes: ByteBuffer { body.bytes }

    /// Writes what comes before leads of so many bytes.
    public func writeHeader(behind lead: Int, into buffer: inout ByteBuffer) {
        encoder.writeHeader(body, lead, &buffer)
    }

    /// The whole frame of a client.
    public func frame(_ lead: some Collection<UInt8>) -> SplitFrame {
        var head = ByteBuffer()
        writeHeader(behind: lead.count, into: &head)
        head.writeBytes(lead)
        return SplitFrame(head: head, body: bytes)
    }
}

/// A frame in two parts: the first is one client's own, the second is shared.
public struct SplitFrame: Sendable, Equatable {
    /// Empty where the body is a whole frame.
    public let head: ByteBuffer
    public let body: ByteBuffer

    public init(head: ByteBuffer = ByteBuffer(), body: ByteBuffer) {
        self.head = head
        self.body = body
    }

    public var readableBytes: Int { head.readableBytes + body.readableBytes }

    /// Both in one buffer: a copy, unless the body is a whole frame.
    public var joined: ByteBuffer {
        guard head.readableBytes > 0 else { return body }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(readableBytes)
        bytes.writeImmutableBuffer(head)
        bytes.writeImmutableBuffer(body)
        return bytes
    }
}
