import FanfareWire
import NIOCore

/// Replies that speak of tokens and of what they opened.
extension CentrifugeJSONEncoder {
    /// The reply to `refresh`.
    ///
    /// - Parameter ttl: seconds until the next one; `nil`: never.
    public static func refreshReply(id: UInt32, client: String, version: String, ttl: UInt32?) -> Body {
        Body(.text, sizeHint: 128) { buffer in
            buffer.writeString("{\"id\":\(id),\"refresh\":{\"client\":")
            JSONWriter.writeString(client, into: &buffer)
            buffer.writeStaticString(",\"version\":")
            JSONWriter.writeString(version, into: &buffer)
            if let ttl { buffer.writeString(",\"expires\":true,\"ttl\":\(ttl)") }
            buffer.writeStaticString("}}")
        }
    }

    /// The reply to `sub_refresh`.
    ///
    /// - Parameter ttl: seconds until the next one; `nil`: never.
    public static func subRefreshReply(id: UInt32, ttl: UInt32?) -> Body {
        Body(.text, sizeHint: 64) { buffer in
            buffer.writeString("{\"id\":\(id),\"sub_refresh\":{")
            if let ttl { buffer.writeString("\"expires\":true,\"ttl\":\(ttl)") }
            buffer.writeStaticString("}}")
        }
    }

    /// `,"subs":{"channel":{…},…}`.
    static func write(_ subscriptions: [(ChannelName, CentrifugeSubscribeResult)], into buffer: inout ByteBuffer) {
        buffer.writeStaticString(",\"subs\":{")
        for (index, (channel, subscription)) in subscriptions.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            JSONWriter.writeString(channel.string, into: &buffer)
            buffer.writeStaticString(":")
            write(subscription, into: &buffer)
        }
        buffer.writeStaticString("}")
    }
}
