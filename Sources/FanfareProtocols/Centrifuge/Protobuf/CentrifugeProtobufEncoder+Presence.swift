import FanfareWire
import NIOCore

/// Who is in a channel, who comes and who goes.
extension CentrifugeProtobufEncoder {
    public static func presencePush(_ event: PresenceEvent) -> Body {
        let size = size(event.info)
        return push(event.channel, event.kind == .join ? .join : .leave, about: size + 6) { buffer in
            buffer.writeProtobuf(CentrifugeFields.Presence.info, about: size) { write(event.info, into: &$0) }
        }
    }

    public static func presenceReply(id: UInt32, _ members: [ClientInfo]) -> Body {
        let size = members.reduce(0) { $0 + $1.client.utf8.count + self.size($1) + 16 }
        return reply(id, .presence, about: size) { buffer in
            for member in members {
                writeEntry(
                    CentrifugeFields.PresenceResult.presence, member.client.string, about: self.size(member),
                    into: &buffer
                ) { write(member, into: &$0) }
            }
        }
    }

    public static func presenceStatsReply(id: UInt32, clients: Int, users: Int) -> Body {
        typealias Field = CentrifugeFields.PresenceStatsResult
        return reply(id, .presenceStats) { buffer in
            buffer.writeProtobuf(Field.clients, UInt32(clamping: clients))
            buffer.writeProtobuf(Field.users, UInt32(clamping: users))
        }
    }

    private static func write(_ info: ClientInfo, into buffer: inout ByteBuffer) {
        typealias Field = CentrifugeFields.ClientInfo
        buffer.writeProtobuf(Field.user, info.user.string)
        buffer.writeProtobuf(Field.client, info.client.string)
        if let connInfo = info.connInfo { buffer.writeProtobuf(Field.connInfo, connInfo) }
        if let chanInfo = info.chanInfo { buffer.writeProtobuf(Field.chanInfo, chanInfo) }
    }

    /// Bytes of an info, about.
    private static func size(_ info: ClientInfo) -> Int {
        [info.user.utf8.count, info.client.utf8.count, info.connInfo?.readableBytes, info.chanInfo?.readableBytes]
            .reduce(8) { $0 + ($1 ?? 0) }
    }
}
