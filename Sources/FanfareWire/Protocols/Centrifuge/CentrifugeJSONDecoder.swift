import NIOCore

/// Why a message is no row of commands.
public enum CentrifugeDecodeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A command is not a JSON object.
    case notAnObject
    /// More commands in one message than allowed.
    case tooManyCommands(limit: Int)
    /// A command has no known method, or several.
    case methods(count: Int)
    /// A field is missing or of another type.
    case field(String)

    public var description: String {
        switch self {
        case .notAnObject: "a command is not a JSON object"
        case .tooManyCommands(let limit): "more than \(limit) commands in one message"
        case .methods(let count): "a command has \(count) known methods instead of one"
        case .field(let name): "field '\(name)' is missing or of the wrong type"
        }
    }
}

/// Commands out of a message: one JSON object a line (Centrifuge client protocol, JSON).
public enum CentrifugeJSONDecoder {
    /// - Parameters:
    ///   - maxCommands: most commands in one message.
    ///   - maxSubscriptions: most channels in the `subs` of a `connect`.
    public static func decode(
        _ message: ByteBuffer, maxCommands: Int, maxSubscriptions: Int = 1_024
    ) throws(CentrifugeDecodeError) -> [CentrifugeCommand] {
        var commands: [CentrifugeCommand] = []
        var rest = message
        while rest.readableBytes > 0 {
            let length = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")).map { $0 - rest.readerIndex }
            guard let line = rest.readSlice(length: length ?? rest.readableBytes) else { break }
            if length != nil { rest.moveReaderIndex(forwardBy: 1) }
            if line.readableBytesView.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            guard commands.count < maxCommands else { throw .tooManyCommands(limit: maxCommands) }
            commands.append(try command(line, maxSubscriptions))
        }
        guard !commands.isEmpty else { throw .notAnObject }
        return commands
    }

    private static let methods: [ExactText] = [
        "connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history", "ping", "send",
        "rpc",
        "refresh", "sub_refresh",
    ]

    private static func command(
        _ line: ByteBuffer, _ maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeCommand {
        guard let object = JSONMembers(line) else { throw .notAnObject }
        if object.members.isEmpty { return CentrifugeCommand(id: 0, method: .pong) }
        var id: UInt32 = 0
        if let value = object["id"] {
            guard let number = value.unsigned else { throw .field("id") }
            id = number
        }
        // `null` is an absent field, as in the protocol's schema.
        let named = object.keys.filter { methods.contains($0) && object[$0]?.isNull != true }
        guard named.count == 1, let name = named.first, let body = object[name] else {
            throw .methods(count: named.count)
        }
        guard let fields = JSONMembers(body.bytes) else { throw .field(name.string) }
        let method = try method(name, fields, maxSubscriptions)
        guard id > 0 || method == .send else { throw .field("id") }
        return CentrifugeCommand(id: id, method: method)
    }

    private static func method(
        _ name: ExactText, _ fields: JSONMembers, _ maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeCommand.Method {
        switch name {
        case "connect":
            return .connect(try connect(fields, maxSubscriptions))
        case "ping": return .ping
        case "send": return .send
        case "rpc": return .rpc
        case "refresh": return .refresh(token: try string("token", fields) ?? "")
        default: break
        }
        guard let channel = fields["channel"]?.text else { throw .field("channel") }
        switch name {
        case "subscribe": return .subscribe(try subscribe(channel, fields))
        case "sub_refresh": return .subRefresh(channel: channel, token: try string("token", fields) ?? "")
        case "unsubscribe": return .unsubscribe(channel: channel)
        case "presence": return .presence(channel: channel)
        case "presence_stats": return .presenceStats(channel: channel)
        case "history": return .history(try history(channel, fields))
        default:
            guard let data = fields["data"] else { throw .field("data") }
            return .publish(channel: channel, data: data.bytes)
        }
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
        if let epoch = try string("epoch", fields), !epoch.isEmpty {
            // Not one of ours: no stream has it, which is what the client is told. It is not kept, for it may be long.
            position.epoch = StreamPosition.isEpoch(epoch) ? epoch : "?"
        }
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
