import FanfareCore
import FanfareWire
import NIOCore

/// Replies and pushes of the Centrifuge client protocol in JSON.
///
/// A body is one message without line breaks, for SDKs split frames at them.
public enum CentrifugeJSONEncoder: CentrifugeEncoder {
    /// The node's ping; clients answer with the same.
    public static let ping = Body(Payload(text: "{}"))

    /// `{"push":{"channel":…,"pub":{"data":…,"offset":…}}}`.
    ///
    /// Data that is valid JSON goes out as it came, with line breaks between its tokens turned into spaces; other text
    /// as a JSON string; binary data as `{"base64":"…"}`.
    public static func publicationPush(_ publication: Publication) -> Body {
        push(publication, sizeHint: sizeHint(publication)) { writePublication(publication, into: &$0) }
    }

    static func push(_ publication: Publication, sizeHint: Int, _ write: (inout ByteBuffer) -> Void) -> Body {
        Body(.text, sizeHint: sizeHint) { buffer in
            buffer.writeStaticString(#"{"push":{"channel":"#)
            JSONWriter.writeString(publication.channel.string, into: &buffer)
            buffer.writeStaticString(#","pub":"#)
            write(&buffer)
            buffer.writeStaticString("}}")
        }
    }

    /// The reply to `connect`.
    ///
    /// - Parameters:
    ///   - session: what the client shows with requests of its own; `nil`: it has none.
    ///   - ping: seconds between the node's pings; `nil`: there are none.
    ///   - pong: whether the client has to answer them.
    ///   - ttl: seconds until the client has to refresh its token; `nil`: never.
    ///   - subscriptions: those that the node made.
    public static func connectReply(
        id: UInt32, client: String, version: String, node: String, session: String? = nil, ping: Int?,
        pong: Bool = true, ttl: UInt32? = nil, subscriptions: [(ChannelName, CentrifugeSubscribeResult)] = []
    ) -> Body {
        Body(.text, sizeHint: 256) { buffer in
            buffer.writeString("{\"id\":\(id),\"connect\":{\"client\":")
            JSONWriter.writeString(client, into: &buffer)
            buffer.writeStaticString(",\"version\":")
            JSONWriter.writeString(version, into: &buffer)
            buffer.writeStaticString(",\"node\":")
            JSONWriter.writeString(node, into: &buffer)
            if let session {
                buffer.writeStaticString(",\"session\":")
                JSONWriter.writeString(session, into: &buffer)
            }
            if let ping { buffer.writeString(",\"ping\":\(max(1, ping))\(pong ? ",\"pong\":true" : "")") }
            if let ttl { buffer.writeString(",\"expires\":true,\"ttl\":\(ttl)") }
            if !subscriptions.isEmpty { write(subscriptions, into: &buffer) }
            buffer.writeStaticString("}}")
        }
    }

    /// A reply whose result is empty: `{"id":1,"subscribe":{}}`.
    public static func emptyReply(id: UInt32, method: CentrifugeMethod) -> Body {
        Body(.text, sizeHint: 48) { buffer in
            buffer.writeString("{\"id\":\(id),\"")
            buffer.writeString(method.rawValue)
            buffer.writeStaticString("\":{}}")
        }
    }

    /// A reply that says what went wrong.
    public static func errorReply(id: UInt32, _ error: CentrifugeError) -> Body {
        Body(.text, sizeHint: 96 + error.message.utf8.count) { buffer in
            buffer.writeString("{\"id\":\(id),\"error\":{\"code\":\(error.code),\"message\":")
            JSONWriter.writeString(error.message, into: &buffer)
            if error.temporary { buffer.writeStaticString(",\"temporary\":true") }
            if let wait = error.retryAfter { buffer.writeString(",\"retry_after\":\(wait)") }
            buffer.writeStaticString("}}")
        }
    }

    public static let separator: StaticString = ","

    public static func writeItem(_ publication: Publication, into buffer: inout ByteBuffer) {
        writePublication(publication, into: &buffer)
    }

    /// Bytes of a publication's message when nothing in it has to be escaped.
    static func sizeHint(_ publication: Publication) -> Int {
        let count = publication.payload.bytes.readableBytes
        let data =
            switch publication.payload.kind {
            case .text: count + 2
            case .binary: (count + 2) / 3 * 4 + 13
            }
        return data + publication.channel.string.utf8.count + 64 + (publication.metadata?.size ?? 0)
    }

    /// `{"data":…,"offset":7}`, without the offset in a channel without history; with `info` and `tags` where it has them.
    public static func writePublication(_ publication: Publication, into buffer: inout ByteBuffer) {
        write(publication, into: &buffer) { writeData(publication.payload, into: &$0) }
    }

    /// - Parameter writeData: writes the value of `data`, and what belongs to it.
    static func write(
        _ publication: Publication, into buffer: inout ByteBuffer, _ writeData: (inout ByteBuffer) -> Void
    ) {
        buffer.writeStaticString(#"{"data":"#)
        writeData(&buffer)
        if let offset = publication.position?.offset { buffer.writeString(",\"offset\":\(offset)") }
        if let metadata = publication.metadata { write(metadata, into: &buffer) }
        buffer.writeStaticString("}")
    }

    /// `,"info":{…},"tags":{"name":"value",…}`, whichever it has.
    private static func write(_ metadata: PublicationMetadata, into buffer: inout ByteBuffer) {
        if let info = metadata.info {
            buffer.writeStaticString(#","info":"#)
            info.write(into: &buffer)
        }
        guard !metadata.tags.isEmpty else { return }
        buffer.writeStaticString(#","tags":"#)
        for (index, tag) in metadata.tags.all.enumerated() {
            buffer.writeStaticString(index == 0 ? "{" : ",")
            JSONWriter.writeString(tag.name.string, into: &buffer)
            buffer.writeStaticString(":")
            JSONWriter.writeString(tag.value.string, into: &buffer)
        }
        buffer.writeStaticString("}")
    }

    static func writeData(_ payload: Payload, into buffer: inout ByteBuffer) {
        payload.bytes.withUnsafeReadableBytes { bytes in
            switch payload.kind {
            case .binary:
                buffer.writeStaticString(#"{"base64":""#)
                buffer.writeBytes(Base64.encode(bytes))
                buffer.writeStaticString(#""}"#)
            case .text:
                JSONWriter.writeValue(bytes, into: &buffer)
            }
        }
    }
}
