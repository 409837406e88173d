import FanfareWire
import NIOCore

/// Replies and pushes that speak of positions in a channel's stream.
extension CentrifugeJSONEncoder {
    /// The reply to `subscribe`.
    public static func subscribeReply(id: UInt32, _ subscription: CentrifugeSubscribeResult) -> Body {
        let size = subscription.items?.readableBytes ?? sizeHint(subscription.publications)
        return Body(.text, sizeHint: 160 + size) { buffer in
            buffer.writeString("{\"id\":\(id),\"subscribe\":")
            write(subscription, into: &buffer)
            buffer.writeStaticString("}")
        }
    }

    /// The result of a subscription as an object.
    static func write(_ subscription: CentrifugeSubscribeResult, into buffer: inout ByteBuffer) {
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
        if let ttl = subscription.ttl {
            field()
            buffer.writeString("\"expires\":true,\"ttl\":\(ttl)")
        }
        if !subscription.publications.isEmpty {
            field()
            buffer.writeStaticString(#""publications":"#)
            if let items = subscription.items {
                buffer.writeStaticString("[")
                buffer.writeImmutableBuffer(items)
                buffer.writeStaticString("]")
            } else {
                write(subscription.publications, into: &buffer)
            }
        }
        buffer.writeStaticString("}")
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
        for (index, publication) in publications.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            writePublication(publication, into: &buffer)
        }
        buffer.writeStaticString("]")
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
