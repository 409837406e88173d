import NIOCore

/// An event of a stream of several channels but for its id, which says where its reader is in all of them and so is each
/// reader's own. All readers share the rest.
public struct SharedEvent: Sendable {
    /// What is shared: the publication's position and an LF, which are not sent, then the event behind its id.
    ///
    /// - Parameter line: the event's data, without line breaks.
    public static func body(
        _ line: ByteBuffer, at position: StreamPosition?, _ delimiting: StreamDelimiting
    ) -> Body {
        Body(.text, sizeHint: line.readableBytes + StreamPosition.maximumTextBytes + 11) { body in
            if let position { body.writeString("\(position)") }
            body.writeStaticString("\ndata: ")
            body.writeImmutableBuffer(line)
            body.writeStaticString("\n\n")
            if delimiting == .chunked { body.writeStaticString("\r\n") }
        }
    }

    public let position: StreamPosition?
    private let rest: ByteBuffer
    private let delimiting: StreamDelimiting

    /// Takes apart what ``body(_:at:_:)`` made; `nil` for anything else.
    public init?(_ shared: ByteBuffer, _ delimiting: StreamDelimiting) {
        var rest = shared
        let length = rest.withUnsafeReadableBytes { bytes in
            bytes.prefix(StreamPosition.maximumTextBytes + 1).firstIndex(of: 0x0A)
        }
        guard let length, let text = rest.readString(length: length) else { return nil }
        rest.moveReaderIndex(forwardBy: 1)
        position = StreamPosition(text)
        guard position != nil || text.isEmpty else { return nil }
        (self.rest, self.delimiting) = (rest, delimiting)
    }

    /// The frame for a reader that is there when it has heard this event.
    ///
    /// - Parameter places: `nil`: it stays where it was.
    public func frame(_ places: PositionList?) -> SplitFrame {
        var id = ByteBuffer()
        if let places {
            id.writeStaticString("id: ")
            places.write(into: &id)
            id.writeStaticString("\n")
        }
        guard delimiting == .chunked else { return SplitFrame(head: id, body: rest) }
        var head = ByteBuffer()
        head.reserveCapacity(id.readableBytes + 10)
        head.writeString(String(id.readableBytes + rest.readableBytes - 2, radix: 16))
        head.writeStaticString("\r\n")
        head.writeImmutableBuffer(id)
        return SplitFrame(head: head, body: rest)
    }
}
