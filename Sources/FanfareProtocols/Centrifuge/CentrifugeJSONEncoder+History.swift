import FanfareWire
import NIOCore

/// Replies and pushes that speak of positions in a channel's stream.
extension CentrifugeJSONEncoder {
    /// The reply to `subscribe`.
    public static func subscribeReply(id: UInt32, _ subscription: CentrifugeSubscribeResult) -> Body {
        let shared = subscription.items.flatMap { $0.readableBytes >= referencedBytes ? $0 : nil }
        let size = subscription.items?.readableBytes ?? sizeHint(subscription.publications)
        return Body(
            .text, sizeHint: 160 + (shared == nil ? size : 0), rest: shared.map { [$0, endOfItems] } ?? []
        ) { buffer in
            buffer.writeString("{\"id\":\(id),\"subscribe\":")
            if shared != nil { return writeUpToItems(subscription, into: &buffer) }
            write(subscription, into: &buffer)
            buffer.writeStaticString("}")
        }
    }

    /// Items of so many bytes are not copied into the replies of all clients that missed them.
    static let referencedBytes = 16_384

    /// What follows the items of a reply.
    private static let endOfItems = ByteBuffer(string: "]}}")

    /// The result of a subscription as an object.
    static func write(_ subscription: CentrifugeSubscribeResult, into buffer: inout ByteBuffer) {
        guard !subscription.publications.isEmpty else {
            writeFields(subscription, into: &buffer)
            buffer.writeStaticString("}")
            return
        }
        writeUpToItems(subscription, into: &buffer)
        if let items = subscription.items {
            buffer.writeImmutableBuffer(items)
        } else {
            writeItems(subscription.publications, into: &buffer)
        }
        buffer.writeStaticString("]}")
    }

    /// All before the first publication.
    private static func writeUpToItems(_ subscription: CentrifugeSubscribeResult, into buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        writeFields(subscription, into: &buffer)
        if buffer.writerIndex > start + 1 { buffer.writeStaticString(",") }
        buffer.writeStaticString(#""publications":["#)
    }

    /// `{` and all fields but the publications.
    private static func writeFields(_ subscription: CentrifugeSubscribeResult, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{")
        let start = buffer.writerIndex
        func field() { if buffer.writerIndex > start { buffer.writeStaticString(",") } }
        if let position = subscription.position {
            buffer.writeStaticString(#""positioned":true,"#)
            write(position, into: &buffer)
        }
        if subscription.isRecoverable {
            field()
            buffer.writeStaticString(#""recoverable":true"#)
        }
        if subscription.wasRecovering {
            field()
            buffer.writeStaticString(#""was_recovering":true"#)
        }
        if subscription.isRecovered {
            field()
            buffer.writeStaticString(#""recovered":true"#)
        }
        if subscription.hasDeltas {
            field()
            buffer.writeStaticString(#""delta":true"#)
        }
        if let ttl = subscription.ttl {
            field()
            buffer.writeString("\"expires\":true,\"ttl\":\(ttl)")
        }
    }

    /// The reply to `history`.
    public static func historyReply(
        id: UInt32, publications: [Publication], position: StreamPosition
    ) -> Body {
        Body(.text, sizeHint: 96 + sizeHint(publications)) { buffer in
            buffer.writeString("{\"id\":\(id),\"history\":{\"publications\":")
            write(publications, into: &buffer)
            buffer.writeStaticString(",")
            write(position, into: &buffer)
            buffer.writeStaticString("}}")
        }
    }

    /// The node ended a subscription: `{"push":{"channel":…,"unsubscribe":{"code":…,"reason":…}}}`. Codes from 2500 make
    /// SDKs subscribe again by themselves.
    public static func unsubscribePush(_ channel: ChannelName, code: UInt32, reason: String) -> Body {
        Body(.text, sizeHint: 96 + channel.string.utf8.count) { buffer in
            buffer.writeStaticString(#"{"push":{"channel":"#)
            JSONWriter.writeString(channel.string, into: &buffer)
            buffer.writeString(",\"unsubscribe\":{\"code\":\(code),\"reason\":")
            JSONWriter.writeString(reason, into: &buffer)
            buffer.writeStaticString("}}}")
        }
    }

    /// `[{"data":…,"offset":…},…]`, as the server API gives them, too.
    public static func write(_ publications: [Publication], into buffer: inout ByteBuffer) {
        buffer.writeStaticString("[")
        writeItems(publications, into: &buffer)
        buffer.writeStaticString("]")
    }

    private static func writeItems(_ publications: [Publication], into buffer: inout ByteBuffer) {
        for (index, publication) in publications.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            writePublication(publication, into: &buffer)
        }
    }

    /// `"epoch":"…","offset":…`.
    public static func write(_ position: StreamPosition, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#""epoch":"#)
        JSONWriter.writeString(position.epoch, into: &buffer)
        buffer.writeString(",\"offset\":\(position.offset)")
    }

    private static func sizeHint(_ publications: [Publication]) -> Int {
        publications.reduce(0) { $0 + sizeHint($1) }
    }
}
