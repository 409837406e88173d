import FanfareWire
import NIOCore

/// A command out of a line of JSON (Centrifuge client protocol).
enum CentrifugeJSONDecoder {
    private static let methods = Dictionary(
        uniqueKeysWithValues: CentrifugeMethod.allCases.map { (ExactText($0.rawValue), $0) })

    /// - Parameter maxSubscriptions: most channels in the `subs` of a `connect`.
    static func command(
        _ line: ByteBuffer, maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeCommand {
        guard let object = JSONMembers(line) else { throw .notAnObject }
        if object.members.isEmpty { return CentrifugeCommand(id: 0, method: .pong) }
        var id: UInt32 = 0
        if let value = object["id"] {
            guard let number = value.unsigned else { throw .field("id") }
            id = number
        }
        var (found, count): (CentrifugeMethod?, Int) = (nil, 0)
        for key in object.members.lazy.map(\.key) {
            // `null` is an absent field, as in the protocol's schema.
            guard let name = methods[key], object[key]?.isNull != true else { continue }
            found = name
            count += 1
        }
        guard count == 1, let name = found, let body = object[ExactText(name.rawValue)] else {
            throw .methods(count: count)
        }
        guard let fields = JSONMembers(body.bytes) else { throw .field(name.rawValue) }
        let method = try method(name, fields, maxSubscriptions)
        guard id > 0 || method == .send else { throw .field("id") }
        return CentrifugeCommand(id: id, method: method)
    }

    private static func method(
        _ name: CentrifugeMethod, _ fields: JSONMembers, _ maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeCommand.Method {
        switch name {
        case .connect: .connect(try connect(fields, maxSubscriptions))
        case .ping: .ping
        case .send: .send
        case .rpc: .rpc
        case .refresh: .refresh(token: try string("token", fields) ?? "")
        case .subscribe: .subscribe(try subscribe(try channel(fields), fields))
        case .subRefresh: .subRefresh(channel: try channel(fields), token: try string("token", fields) ?? "")
        case .unsubscribe: .unsubscribe(channel: try channel(fields))
        case .presence: .presence(channel: try channel(fields))
        case .presenceStats: .presenceStats(channel: try channel(fields))
        case .history: .history(try history(try channel(fields), fields))
        case .publish: .publish(channel: try channel(fields), data: try data(fields))
        }
    }

    private static func channel(_ fields: JSONMembers) throws(CentrifugeDecodeError) -> ExactText {
        guard let channel = fields["channel"]?.text else { throw .field("channel") }
        return channel
    }

    private static func data(_ fields: JSONMembers) throws(CentrifugeDecodeError) -> ByteBuffer {
        guard let data = fields["data"] else { throw .field("data") }
        return data.bytes
    }

    /// A token that can't be read must never make an anonymous client.
    private static func connect(
        _ fields: JSONMembers, _ maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeConnect {
        var connect = CentrifugeConnect(token: try string("token", fields))
        guard let value = present("subs", fields) else { return connect }
        guard let subscriptions = JSONMembers(value.bytes, limit: maxSubscriptions) else { throw .field("subs") }
        connect.subscriptions.reserveCapacity(subscriptions.members.count)
        for (channel, value) in subscriptions.members {
            guard let fields = JSONMembers(value.bytes) else { throw .field("subs") }
            connect.subscriptions.append(try subscribe(channel, fields))
        }
        return connect
    }

    private static func subscribe(
        _ channel: ExactText, _ fields: JSONMembers
    ) throws(CentrifugeDecodeError) -> CentrifugeSubscribe {
        CentrifugeSubscribe(
            channel: channel, token: try string("token", fields), recover: try bool("recover", fields),
            position: try position(fields))
    }

    private static func history(
        _ channel: ExactText, _ fields: JSONMembers
    ) throws(CentrifugeDecodeError) -> CentrifugeHistory {
        var history = CentrifugeHistory(channel: channel, reverse: try bool("reverse", fields))
        if let limit = present("limit", fields) {
            guard let number = Int(String(buffer: limit.bytes)) else { throw .field("limit") }
            history.limit = number
        }
        if let since = present("since", fields) {
            guard let members = JSONMembers(since.bytes) else { throw .field("since") }
            history.since = try position(members)
        }
        return history
    }

    private static func position(_ fields: JSONMembers) throws(CentrifugeDecodeError) -> StreamPosition {
        var position = StreamPosition(offset: 0, epoch: "")
        if let offset = present("offset", fields) {
            guard let number = offset.unsigned64 else { throw .field("offset") }
            position.offset = number
        }
        position.epoch = StreamPosition.epoch(saidByClient: try string("epoch", fields) ?? "")
        return position
    }

    private static func string(_ name: ExactText, _ fields: JSONMembers) throws(CentrifugeDecodeError) -> String? {
        guard let value = present(name, fields) else { return nil }
        guard let text = value.string else { throw .field(name.string) }
        return text
    }

    private static func bool(_ name: ExactText, _ fields: JSONMembers) throws(CentrifugeDecodeError) -> Bool {
        guard let value = present(name, fields) else { return false }
        guard let bool = value.bool else { throw .field(name.string) }
        return bool
    }

    /// A field's value; `null` is an absent field.
    private static func present(_ name: ExactText, _ fields: JSONMembers) -> JSONMembers.Value? {
        fields[name].flatMap { $0.isNull ? nil : $0 }
    }
}
