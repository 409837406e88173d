import FanfareWire
import NIOCore

/// What a node says to a client, as far as a recovering client needs it.
enum CentrifugeMessage {
    /// A publication: its data as it stands, and its offset.
    struct Item {
        let data: ByteBuffer
        let offset: UInt64
    }

    /// The answer to `subscribe`.
    struct Subscription {
        let position: Judge.Position
        let wasRecovering: Bool
        let isRecovered: Bool
        let publications: [Item]
    }

    case ping
    /// - Parameter session: what the client's requests show, where it has requests.
    case connected(id: UInt32, session: String?)
    case subscribed(id: UInt32, Subscription)
    case published(id: UInt32)
    case failed(id: UInt32, code: UInt32, text: String)
    case publication(channel: String, Item)
    case unsubscribed(channel: String, code: UInt32)
    /// The node ends the client, where no close frame says it.
    case disconnected(code: UInt32)
    case other

    init(_ line: ByteBuffer) {
        if line.readableBytes == 2 {
            self = .ping
            return
        }
        guard let members = JSONMembers(line) else {
            self = .other
            return
        }
        if let push = members["push"] {
            self = Self.push(push) ?? .other
        } else {
            self = Self.reply(members) ?? .other
        }
    }

    private static func push(_ push: JSONMembers.Value) -> CentrifugeMessage? {
        guard let members = JSONMembers(push.bytes) else { return nil }
        if let end = members["disconnect"], let fields = JSONMembers(end.bytes) {
            return .disconnected(code: fields["code"]?.unsigned ?? 0)
        }
        guard let channel = members["channel"]?.string else { return nil }
        if let pub = members["pub"] { return item(pub).map { .publication(channel: channel, $0) } }
        guard let end = members["unsubscribe"], let fields = JSONMembers(end.bytes) else { return nil }
        return .unsubscribed(channel: channel, code: fields["code"]?.unsigned ?? 0)
    }

    private static func reply(_ members: JSONMembers) -> CentrifugeMessage? {
        guard let id = members["id"]?.unsigned else { return nil }
        if let error = members["error"] {
            let fields = JSONMembers(error.bytes)
            return .failed(id: id, code: fields?["code"]?.unsigned ?? 0, text: fields?["message"]?.string ?? "")
        }
        if let result = members["connect"] {
            return .connected(id: id, session: JSONMembers(result.bytes)?["session"]?.string)
        }
        if members["publish"] != nil { return .published(id: id) }
        guard let result = members["subscribe"], let fields = JSONMembers(result.bytes) else { return nil }
        let publications = fields["publications"]?.elements?.compactMap(item) ?? []
        let position = Judge.Position(
            epoch: fields["epoch"]?.string ?? "", offset: fields["offset"]?.unsigned64 ?? 0)
        return .subscribed(
            id: id,
            Subscription(
                position: position, wasRecovering: fields["was_recovering"]?.bool ?? false,
                isRecovered: fields["recovered"]?.bool ?? false, publications: publications))
    }

    /// A publication without an offset has 0, which no channel with history gives out.
    private static func item(_ value: JSONMembers.Value) -> Item? {
        guard let fields = JSONMembers(value.bytes), let data = fields["data"]?.bytes else { return nil }
        return Item(data: data, offset: fields["offset"]?.unsigned64 ?? 0)
    }
}
