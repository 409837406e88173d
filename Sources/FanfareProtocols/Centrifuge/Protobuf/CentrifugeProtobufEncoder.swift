import FanfareWire
import NIOCore

/// Replies and pushes of the Centrifuge client protocol in Protobuf: replies behind their lengths, as several may share a message.
public enum CentrifugeProtobufEncoder: CentrifugeEncoder {
    /// An empty reply; clients answer with an empty command.
    public static let ping = message { _ in }

    /// Data leaves as its very bytes, whether it is text or not.
    public static func publicationPush(_ publication: Publication) -> Body {
        push(publication.channel, .publication, about: size(publication)) { write(publication, into: &$0) }
    }

    public static func unsubscribePush(_ channel: ChannelName, code: UInt32, reason: String) -> Body {
        typealias Field = CentrifugeFields.Unsubscribe
        return push(channel, .unsubscribe) { buffer in
            buffer.writeProtobuf(Field.code, code)
            buffer.writeProtobuf(Field.reason, reason)
        }
    }

    public static func connectReply(
        id: UInt32, client: String, version: String, node: String, session: String? = nil, ping: Int?,
        pong: Bool = true, ttl: UInt32? = nil, subscriptions: [(ChannelName, CentrifugeSubscribeResult)] = []
    ) -> Body {
        typealias Field = CentrifugeFields.ConnectResult
        let all = subscriptions.reduce(160) { $0 + $1.0.string.utf8.count + size($1.1) + 12 }
        return reply(id, .connect, about: all) { buffer in
            buffer.writeProtobuf(Field.client, client)
            buffer.writeProtobuf(Field.version, version)
            buffer.writeProtobuf(Field.expires, ttl != nil)
            buffer.writeProtobuf(Field.ttl, ttl ?? 0)
            for (channel, result) in subscriptions {
                writeEntry(Field.subscriptions, channel.string, about: size(result), into: &buffer) {
                    write(result, into: &$0)
                }
            }
            if let ping {
                buffer.writeProtobuf(Field.ping, UInt32(clamping: max(1, ping)))
                buffer.writeProtobuf(Field.pong, pong)
            }
            if let session { buffer.writeProtobuf(Field.session, session) }
            buffer.writeProtobuf(Field.node, node)
        }
    }

    public static func refreshReply(id: UInt32, client: String, version: String, ttl: UInt32?) -> Body {
        typealias Field = CentrifugeFields.RefreshResult
        return reply(id, .refresh) { buffer in
            buffer.writeProtobuf(Field.client, client)
            buffer.writeProtobuf(Field.version, version)
            buffer.writeProtobuf(Field.expires, ttl != nil)
            buffer.writeProtobuf(Field.ttl, ttl ?? 0)
        }
    }

    public static func subRefreshReply(id: UInt32, ttl: UInt32?) -> Body {
        typealias Field = CentrifugeFields.SubRefreshResult
        return reply(id, .subRefresh) { buffer in
            buffer.writeProtobuf(Field.expires, ttl != nil)
            buffer.writeProtobuf(Field.ttl, ttl ?? 0)
        }
    }

    public static func emptyReply(id: UInt32, method: CentrifugeMethod) -> Body {
        message { buffer in
            buffer.writeProtobuf(CentrifugeFields.Reply.id, id)
            if let result = CentrifugeFields.Result(of: method) { buffer.writeProtobuf(result) { _ in } }
        }
    }

    /// The protocol has no field for ``CentrifugeError/retryAfter``.
    public static func errorReply(id: UInt32, _ error: CentrifugeError) -> Body {
        typealias Field = CentrifugeFields.Error
        return message(about: 32 + error.message.utf8.count) { buffer in
            buffer.writeProtobuf(CentrifugeFields.Reply.id, id)
            buffer.writeProtobuf(CentrifugeFields.Reply.error, about: 16 + error.message.utf8.count) { buffer in
                buffer.writeProtobuf(Field.code, error.code)
                buffer.writeProtobuf(Field.message, error.message)
                buffer.writeProtobuf(Field.temporary, error.temporary)
            }
        }
    }
}

/// What all messages have in common.
extension CentrifugeProtobufEncoder {
    /// A reply with what is in it.
    ///
    /// - Parameter size: bytes that it will have, about.
    private static func message(about size: Int = 64, _ write: (inout ByteBuffer) -> Void) -> Body {
        Body(.binary, sizeHint: size + 8) { $0.writeProtobufMessage(about: size, write) }
    }

    /// The reply to a command.
    ///
    /// - Parameter size: bytes of its result, about.
    static func reply(
        _ id: UInt32, _ result: CentrifugeFields.Result, about size: Int = 64, _ write: (inout ByteBuffer) -> Void
    ) -> Body {
        message(about: size + 12) { buffer in
            buffer.writeProtobuf(CentrifugeFields.Reply.id, id)
            buffer.writeProtobuf(result, about: size, write)
        }
    }

    /// Something that no command asked for.
    ///
    /// - Parameters:
    ///   - channel: `nil`: it is about no channel.
    ///   - size: bytes of what is pushed, about.
    static func push(
        _ channel: ChannelName?, _ kind: CentrifugeFields.Push, about size: Int = 64,
        _ write: (inout ByteBuffer) -> Void
    ) -> Body {
        let around = size + (channel?.string.utf8.count ?? 0) + 8
        return message(about: around + 4) { buffer in
            buffer.writeProtobuf(CentrifugeFields.Reply.push, about: around) { buffer in
                buffer.writeProtobuf(CentrifugeFields.Push.channel, channel?.string ?? "")
                buffer.writeProtobuf(kind, about: size, write)
            }
        }
    }

    /// An entry of a map from texts to messages.
    ///
    /// - Parameter size: bytes of the message, about.
    static func writeEntry(
        _ map: some RawRepresentable<UInt32>, _ key: String, about size: Int, into buffer: inout ByteBuffer,
        _ write: (inout ByteBuffer) -> Void
    ) {
        buffer.writeProtobuf(map, about: size + key.utf8.count + 8) { buffer in
            buffer.writeProtobuf(CentrifugeFields.Entry.key, key)
            buffer.writeProtobuf(CentrifugeFields.Entry.value, about: size, write)
        }
    }
}
