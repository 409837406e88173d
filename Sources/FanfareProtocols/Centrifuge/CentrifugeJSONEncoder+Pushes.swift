import FanfareWire
import NIOCore

/// What the node or a backend does with a client that did not ask for it.
extension CentrifugeJSONEncoder {
    /// `{"push":{"channel":…,"subscribe":{"positioned":true,"epoch":…,"offset":…,"recoverable":true,"data":…}}}`, whichever it has.
    public static func subscribePush(
        _ channel: ChannelName, position: StreamPosition?, isRecoverable: Bool, data: Payload?
    ) -> Body {
        let size = 128 + channel.string.utf8.count + (data?.bytes.readableBytes ?? 0)
        return Body(.text, sizeHint: size) { buffer in
            buffer.writeStaticString(#"{"push":{"channel":"#)
            JSONWriter.writeString(channel.string, into: &buffer)
            buffer.writeStaticString(#","subscribe":{"#)
            let start = buffer.writerIndex
            func field() { if buffer.writerIndex > start { buffer.writeStaticString(",") } }
            if let position {
                buffer.writeStaticString(#""positioned":true,"#)
                write(position, into: &buffer)
            }
            if isRecoverable {
                field()
                buffer.writeStaticString(#""recoverable":true"#)
            }
            if let data {
                field()
                buffer.writeStaticString(#""data":"#)
                writeData(data, into: &buffer)
            }
            buffer.writeStaticString("}}}")
        }
    }

    /// `{"push":{"refresh":{"expires":true,"ttl":…}}}`, empty where it never expires.
    public static func refreshPush(ttl: UInt32?) -> Body {
        Body(.text, sizeHint: 64) { buffer in
            buffer.writeStaticString(#"{"push":{"refresh":{"#)
            if let ttl { buffer.writeString("\"expires\":true,\"ttl\":\(ttl)") }
            buffer.writeStaticString("}}}")
        }
    }

    /// `{"push":{"disconnect":{"code":…,"reason":…}}}`.
    public static func disconnectPush(code: UInt16, reason: String) -> Body {
        Body(.text, sizeHint: 64 + reason.utf8.count) { buffer in
            buffer.writeString("{\"push\":{\"disconnect\":{\"code\":\(code),\"reason\":")
            JSONWriter.writeString(reason, into: &buffer)
            buffer.writeStaticString("}}}")
        }
    }
}
