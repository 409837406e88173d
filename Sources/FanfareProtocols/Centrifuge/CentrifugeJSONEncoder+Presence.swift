import FanfareWire
import NIOCore

/// Who is in a channel, who comes and who goes.
extension CentrifugeJSONEncoder {
    /// `{"push":{"channel":…,"join":{"info":{…}}}}`, or `leave`.
    public static func presencePush(_ event: PresenceEvent) -> Body {
        Body(.text, sizeHint: 160 + event.channel.string.utf8.count + infoBytes(event.info)) { buffer in
            buffer.writeStaticString(#"{"push":{"channel":"#)
            JSONWriter.writeString(event.channel.string, into: &buffer)
            switch event.kind {
            case .join: buffer.writeStaticString(#","join":{"info":"#)
            case .leave: buffer.writeStaticString(#","leave":{"info":"#)
            }
            event.info.write(into: &buffer)
            buffer.writeStaticString("}}}")
        }
    }

    /// The reply to `presence`: `{"id":1,"presence":{"presence":{"<client>":{…}}}}`.
    public static func presenceReply(id: UInt32, _ members: [ClientInfo]) -> Body {
        let size = members.reduce(64) { $0 + 140 + infoBytes($1) }
        return Body(.text, sizeHint: size) { buffer in
            buffer.writeString("{\"id\":\(id),\"presence\":{\"presence\":")
            writePresence(members, into: &buffer)
            buffer.writeStaticString("}}")
        }
    }

    /// The reply to `presence_stats`.
    public static func presenceStatsReply(id: UInt32, clients: Int, users: Int) -> Body {
        Body(.text, sizeHint: 80) { buffer in
            buffer.writeString(
                "{\"id\":\(id),\"presence_stats\":{\"num_clients\":\(clients),\"num_users\":\(users)}}")
        }
    }

    /// Members by client, as the client protocol and the server API have them: `{"<client>":{…}}`.
    public static func writePresence(_ members: [ClientInfo], into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{")
        for (index, member) in members.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            JSONWriter.writeString(member.client.string, into: &buffer)
            buffer.writeStaticString(":")
            member.write(into: &buffer)
        }
        buffer.writeStaticString("}")
    }

    private static func infoBytes(_ info: ClientInfo) -> Int {
        (info.connInfo?.readableBytes ?? 0) + (info.chanInfo?.readableBytes ?? 0)
    }
}
