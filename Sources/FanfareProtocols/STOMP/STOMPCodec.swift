import FanfareWire
import NIOCore
import Synchronization

/// Publications as `MESSAGE` frames, but for their first two lines: these are the lead of each subscription.
struct STOMPCodec: Codec {
    let form: STOMPForm
    private var version: STOMPVersion { form.version }

    init(_ form: STOMPForm) { self.form = form }

    /// Headers of a MESSAGE that the node writes itself: no tag of that name becomes one.
    static let reserved: Set<ExactText> = [
        "subscription", "message-id", "destination", "content-length", "content-type", "ack", "offset", "epoch",
        "redelivered", "content-transfer-encoding",
    ]
    /// The tag of a body's type.
    static let contentType: ExactText = "content-type"

    func body(_ publication: Publication) -> Body {
        let tags = publication.metadata?.tags ?? .none
        let isEncoded = form.isTextOnly && publication.payload.kind == .binary
        let payload = isEncoded ? Self.encoded(publication.payload) : publication.payload
        let hint = payload.bytes.readableBytes + publication.channel.string.utf8.count + tags.size + 160
        return Body(payload.kind, sizeHint: hint) { buffer in
            if !form.hasOwnID { buffer.writeString("message-id:\(STOMPMessageNumbers.next())\n") }
            buffer.writeString("content-length:\(payload.bytes.readableBytes)\ndestination:")
            buffer.writeStaticString(STOMPDestination.prefix(form.destination))
            STOMPEscapes.write(STOMPDestination.name(publication.channel, in: form.destination), version, into: &buffer)
            writeType(of: payload, tags, into: &buffer)
            if isEncoded { buffer.writeStaticString("\ncontent-transfer-encoding:base64") }
            if let position = publication.position {
                buffer.writeString("\noffset:\(position.offset)\nepoch:\(position.epoch)")
            }
            for tag in tags.all where !Self.reserved.contains(tag.name) && canSay(tag) {
                write(tag.name, tag.value, into: &buffer)
            }
            buffer.writeStaticString("\n\n")
            buffer.writeImmutableBuffer(payload.bytes)
            buffer.writeInteger(UInt8(0))
        }
    }

    private static func encoded(_ payload: Payload) -> Payload {
        Payload(kind: .text, bytes: ByteBuffer(bytes: Base64.encode(payload.bytes.readableBytesView)))
    }

    private func writeType(of payload: Payload, _ tags: PublicationTags, into buffer: inout ByteBuffer) {
        if let type = tags[Self.contentType], STOMPEscapes.canSay(type, version) {
            write(Self.contentType, type, into: &buffer)
        }
    }

    private func canSay(_ tag: PublicationTags.Tag) -> Bool {
        STOMPEscapes.canSay(tag.name, version, isName: true) && STOMPEscapes.canSay(tag.value, version)
    }

    private func write(_ name: ExactText, _ value: ExactText, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\n")
        STOMPEscapes.write(name, version, into: &buffer)
        buffer.writeStaticString(":")
        STOMPEscapes.write(value, version, into: &buffer)
    }

    /// The whole message of a subscription, for what nobody shares.
    func message(_ lead: some Collection<UInt8>, _ publication: Publication) -> Body {
        let rest = body(publication)
        return Body(rest.kind, sizeHint: lead.count + rest.count) { buffer in
            buffer.writeBytes(lead)
            buffer.writeImmutableBuffer(rest.bytes)
        }
    }

    /// What stands before ``body(_:)`` in the messages of a subscription.
    ///
    /// - Parameter id: `nil`: the client gave it none, as it may in 1.0.
    /// - Returns: `nil`: the id is too long, or can't be said.
    static func lead(_ id: ExactText?, _ version: STOMPVersion) -> [UInt8]? {
        var lead = ByteBuffer()
        lead.writeStaticString("MESSAGE\n")
        if let id {
            guard STOMPEscapes.canSay(id, version), id.utf8.count <= STOMPBounds.idBytes else { return nil }
            lead.writeStaticString("subscription:")
            let before = lead.readableBytes
            STOMPEscapes.write(id, version, into: &lead)
            guard lead.readableBytes - before <= STOMPBounds.idBytes else { return nil }
            lead.writeStaticString("\n")
        }
        return Array(buffer: lead)
    }
}

/// Numbers for the header message-id: no two messages that a node encodes have the same. Where a channel has a stream, offset and epoch
/// say more.
enum STOMPMessageNumbers {
    private static let last = Atomic<UInt64>(0)

    static func next() -> UInt64 { last.wrappingAdd(1, ordering: .relaxed).newValue }
}
