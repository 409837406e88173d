import FanfareWire
import NIOCore

/// A publication as an event: its name and arguments without the closing bracket, so that each client's own offset can stand behind
/// them. ``body(_:)`` is how event loops share it; it never leaves so.
struct SocketIOSharedEvent: Sendable, Equatable {
    /// The name of events whose publication names none.
    static let defaultName: StaticString = "message"
    private static let placeholder: StaticString = "{\"_placeholder\":true,\"num\":0}"

    /// `nil` in a channel without history.
    let position: StreamPosition?
    /// `["news",…`.
    let arguments: ByteBuffer
    /// Whether the last argument, or the name where there is none, is a string, which a client would take for an offset.
    let endsWithString: Bool
    /// A binary payload, or bytes among the arguments.
    let attachments: [ByteBuffer]
    /// Who has one of these channels does not hear it: a ``ChannelNameList``.
    let unless: ByteBuffer

    /// `{"event":"news","args":[…]}` is that event, unless the name is one of the libraries' own; everything else is one argument of
    /// the default event. With bytes among its arguments it has `"binary":["…"]`, too: what placeholders stand for, as Base64.
    init(_ publication: Publication) {
        position = publication.position
        var unless = ByteBuffer()
        ChannelNameList.write(publication.metadata?.unless ?? [], into: &unless)
        self.unless = unless
        let payload = publication.payload
        var attachments = payload.kind == .binary ? [payload.bytes] : []
        var (buffer, endsWithString) = (ByteBuffer(), false)
        buffer.reserveCapacity(payload.kind == .text ? payload.bytes.readableBytes + 16 : 48)
        switch payload.kind {
        case .binary:
            buffer.writeStaticString("[\"")
            buffer.writeStaticString(Self.defaultName)
            buffer.writeStaticString("\",")
            buffer.writeStaticString(Self.placeholder)
        case .text:
            if let event = Self.named(payload.bytes) {
                buffer.writeStaticString("[")
                buffer.writeImmutableBuffer(event.name)
                if event.args.readableBytes > 0 { buffer.writeStaticString(",") }
                buffer.writeImmutableBuffer(event.args)
                attachments = event.attachments
            } else {
                buffer.writeStaticString("[\"")
                buffer.writeStaticString(Self.defaultName)
                buffer.writeStaticString("\",")
                payload.bytes.withUnsafeReadableBytes { JSONWriter.writeValue($0, into: &buffer) }
            }
            // A name alone is a string at the end, too: the official client takes whatever is last.
            let last = buffer.readableBytesView.last { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
            endsWithString = last == UInt8(ascii: "\"")
        }
        self.endsWithString = endsWithString
        self.attachments = attachments
        arguments = buffer
    }

    /// The bytes of the name with its quotes, those between the brackets of the arguments, and what their placeholders stand for.
    private static func named(
        _ json: ByteBuffer
    ) -> (name: ByteBuffer, args: ByteBuffer, attachments: [ByteBuffer])? {
        guard let members = JSONMembers(json, limit: 3), members.members.count >= 2,
            let name = members["event"], let text = name.text, !SocketIOEvent.reserved.contains(text),
            let args = members["args"], let elements = JSONElements(args.bytes, keeping: 0),
            let inside = args.bytes.getSlice(at: args.bytes.readerIndex + 1, length: args.bytes.readableBytes - 2)
        else { return nil }
        let arguments = elements.count == 0 ? ByteBuffer() : inside
        guard members.members.count == 3 else { return (name.bytes, arguments, []) }
        guard let binary = members["binary"], let attachments = attachments(binary),
            (try? SocketIOPlaceholder.check(args.bytes, attachments: attachments.count)) != nil
        else { return nil }
        return (name.bytes, arguments, attachments)
    }

    private static func attachments(_ value: JSONMembers.Value) -> [ByteBuffer]? {
        guard let list = JSONElements(value.bytes, keeping: SocketIOBounds.publishedAttachments),
            list.count <= SocketIOBounds.publishedAttachments
        else { return nil }
        var attachments: [ByteBuffer] = []
        for element in list.first {
            guard let text = element.text, let bytes = Base64.decode(text.utf8) else { return nil }
            attachments.append(ByteBuffer(bytes: bytes))
        }
        return attachments
    }

    /// The packet for a client.
    ///
    /// - Parameters:
    ///   - offset: where the client is with it; `nil`: it can't come back to that channel.
    ///   - isGuarded: whether the client takes a last argument that is a string for an offset. Then `null` follows one that is none.
    func packet(_ namespace: ExactText, offset: String?, isGuarded: Bool) -> Body {
        let size = arguments.readableBytes + (offset?.utf8.count ?? 0) + 16
        return SocketIOWriter.packet(
            attachments.isEmpty ? .event : .binaryEvent, namespace, attachments: attachments, sizeHint: size
        ) { buffer in
            buffer.writeImmutableBuffer(arguments)
            if let offset {
                buffer.writeStaticString(",")
                JSONWriter.writeString(offset, into: &buffer)
            } else if isGuarded, endsWithString {
                buffer.writeStaticString(",null")
            }
            buffer.writeStaticString("]")
        }
    }
}

/// How it stands in memory that all clients share.
extension SocketIOSharedEvent {
    private enum Flag {
        static let endsWithString: UInt8 = 2
    }

    var body: Body {
        let text = position.map { "\($0)" } ?? ""
        let bytes = attachments.reduce(0) { $0 + 4 + $1.readableBytes }
        let size = 16 + text.utf8.count + arguments.readableBytes + unless.readableBytes + bytes
        return Body(.binary, sizeHint: size) { buffer in
            buffer.writeInteger(endsWithString ? Flag.endsWithString : 0)
            buffer.writeInteger(UInt8(text.utf8.count))
            buffer.writeString(text)
            for part in [unless, arguments] + attachments {
                buffer.writeInteger(UInt32(part.readableBytes))
                buffer.writeImmutableBuffer(part)
            }
        }
    }

    /// Reads ``body``; `nil` for anything else.
    init?(shared bytes: ByteBuffer) {
        var rest = bytes
        guard let flags = rest.readInteger(as: UInt8.self), let length = rest.readInteger(as: UInt8.self),
            let text = rest.readString(length: Int(length)),
            let unless = rest.readLengthPrefixedSlice(as: UInt32.self),
            let arguments = rest.readLengthPrefixedSlice(as: UInt32.self)
        else { return nil }
        var attachments: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            guard let attachment = rest.readLengthPrefixedSlice(as: UInt32.self) else { return nil }
            attachments.append(attachment)
        }
        position = StreamPosition(text)
        self.unless = unless
        self.arguments = arguments
        endsWithString = flags & Flag.endsWithString != 0
        self.attachments = attachments
    }
}
