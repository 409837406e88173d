import FanfareWire
import NIOCore

/// What the node or a backend does with a client that did not ask for it.
extension CentrifugeProtobufEncoder {
    public static func subscribePush(
        _ channel: ChannelName, position: StreamPosition?, isRecoverable: Bool, data: Payload?
    ) -> Body {
        typealias Field = CentrifugeFields.SubscribePush
        return push(channel, .subscribe, about: 64 + (data?.bytes.readableBytes ?? 0)) { buffer in
            buffer.writeProtobuf(Field.recoverable, isRecoverable)
            buffer.writeProtobuf(Field.epoch, position?.epoch ?? "")
            buffer.writeProtobuf(Field.offset, position?.offset ?? 0)
            buffer.writeProtobuf(Field.positioned, position != nil)
            if let data { buffer.writeProtobuf(Field.data, data.bytes) }
        }
    }

    public static func refreshPush(ttl: UInt32?) -> Body {
        push(nil, .refresh) { buffer in
            buffer.writeProtobuf(CentrifugeFields.RefreshPush.expires, ttl != nil)
            buffer.writeProtobuf(CentrifugeFields.RefreshPush.ttl, ttl ?? 0)
        }
    }

    public static func disconnectPush(code: UInt16, reason: String) -> Body {
        push(nil, .disconnect, about: 8 + reason.utf8.count) { buffer in
            buffer.writeProtobuf(CentrifugeFields.Disconnect.code, UInt32(code))
            buffer.writeProtobuf(CentrifugeFields.Disconnect.reason, reason)
        }
    }
}
