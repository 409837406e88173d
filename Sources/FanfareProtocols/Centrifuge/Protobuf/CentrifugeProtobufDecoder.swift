import FanfareWire
import NIOCore

/// A command out of a message of Protobuf (Centrifuge client protocol).
///
/// As strict as with JSON: one method, an id where there is a reply, no more fields than any message needs, and a known field of
/// another type is an error instead of an absent field. For the rest as proto3 has it: of a field that comes twice the last
/// counts, a message that comes twice is one, an absent field has its default, and unknown fields are passed over.
enum CentrifugeProtobufDecoder {
    /// - Parameter maxSubscriptions: most channels in the `subs` of a `connect`.
    static func command(
        _ message: ByteBuffer, maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeCommand {
        var id: UInt32 = 0
        var (found, count): ((CentrifugeMethod, ByteBuffer)?, Int) = (nil, 0)
        try read(message) { field throws(CentrifugeDecodeError) in
            if case .id? = CentrifugeFields.Command(rawValue: field.number) { id = try field.unsigned32("id") }
            guard let method = CentrifugeFields.method(inCommand: field.number) else { return }
            found = (method, try field.bytes(method.rawValue))
            count += 1
        }
        // Nothing at all is an answer to a ping, and nothing that is known is nothing.
        if count == 0, id == 0 { return CentrifugeCommand(id: 0, method: .pong) }
        guard count == 1, let (method, body) = found else { throw .methods(count: count) }
        guard id > 0 || method == .send else { throw .field("id") }
        return CentrifugeCommand(id: id, method: try request(method, body, maxSubscriptions))
    }

    private static func request(
        _ method: CentrifugeMethod, _ body: ByteBuffer, _ maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeCommand.Method {
        switch method {
        case .connect: .connect(try connect(body, maxSubscriptions))
        case .ping: try nothing(.ping, body)
        case .send: try nothing(.send, body)
        case .rpc: try nothing(.rpc, body)
        case .refresh: .refresh(token: try single("token", body))
        case .subscribe: .subscribe(try subscribe(body))
        case .subRefresh: try subRefresh(body)
        case .unsubscribe: .unsubscribe(channel: try channel(body))
        case .presence: .presence(channel: try channel(body))
        case .presenceStats: .presenceStats(channel: try channel(body))
        case .history: .history(try history(body))
        case .publish: try publish(body)
        }
    }

    /// A request of which nothing is of use here.
    private static func nothing(
        _ method: CentrifugeCommand.Method, _ body: ByteBuffer
    ) throws(CentrifugeDecodeError) -> CentrifugeCommand.Method {
        try read(body) { _ in }
        return method
    }

    private static func connect(
        _ message: ByteBuffer, _ maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) -> CentrifugeConnect {
        var connect = CentrifugeConnect()
        try read(message, limit: maximumFields + maxSubscriptions) { field throws(CentrifugeDecodeError) in
            switch CentrifugeFields.Connect(rawValue: field.number) {
            case .token: connect.token = try field.text("token")
            case .subscriptions:
                guard connect.subscriptions.count < maxSubscriptions else { throw .field("subs") }
                connect.subscriptions.append(try entry(try field.bytes("subs")))
            case nil: break
            }
        }
        return connect
    }

    /// An entry of `subs`, whose key is the channel.
    private static func entry(_ message: ByteBuffer) throws(CentrifugeDecodeError) -> CentrifugeSubscribe {
        var subscribe = CentrifugeSubscribe(channel: "")
        var key = ExactText("")
        try read(message) { field throws(CentrifugeDecodeError) in
            switch CentrifugeFields.Entry(rawValue: field.number) {
            case .key: key = ExactText(try field.text("subs"))
            case .value: try read(try field.bytes("subs"), into: &subscribe)
            case nil: break
            }
        }
        subscribe.channel = key
        return subscribe
    }

    private static func subscribe(_ message: ByteBuffer) throws(CentrifugeDecodeError) -> CentrifugeSubscribe {
        var subscribe = CentrifugeSubscribe(channel: "")
        try read(message, into: &subscribe)
        return subscribe
    }

    private static func read(
        _ message: ByteBuffer, into subscribe: inout CentrifugeSubscribe
    ) throws(CentrifugeDecodeError) {
        try read(message) { field throws(CentrifugeDecodeError) in
            switch CentrifugeFields.Subscribe(rawValue: field.number) {
            case .channel: subscribe.channel = ExactText(try field.text("channel"))
            case .token: subscribe.token = try field.text("token")
            case .recover: subscribe.recover = try field.number("recover") != 0
            case .epoch: subscribe.position.epoch = StreamPosition.epoch(saidByClient: try field.text("epoch"))
            case .offset: subscribe.position.offset = try field.number("offset")
            case .delta: subscribe.delta = ExactText(try field.text("delta"))
            case .filter: subscribe.filter = filter(try field.bytes("tf"))
            case nil: break
            }
        }
    }

    /// The channel of a request that says no more.
    private static func channel(_ message: ByteBuffer) throws(CentrifugeDecodeError) -> ExactText {
        ExactText(try single("channel", message))
    }

    private static func single(_ name: String, _ message: ByteBuffer) throws(CentrifugeDecodeError) -> String {
        var text = ""
        try read(message) { field throws(CentrifugeDecodeError) in
            guard case .text? = CentrifugeFields.Single(rawValue: field.number) else { return }
            text = try field.text(name)
        }
        return text
    }

    private static func publish(_ message: ByteBuffer) throws(CentrifugeDecodeError) -> CentrifugeCommand.Method {
        var (channel, data) = (ExactText(""), ByteBuffer())
        try read(message) { field throws(CentrifugeDecodeError) in
            switch CentrifugeFields.Publish(rawValue: field.number) {
            case .channel: channel = ExactText(try field.text("channel"))
            case .data: data = try field.bytes("data")
            case nil: break
            }
        }
        return .publish(channel: channel, data: data)
    }

    private static func history(_ message: ByteBuffer) throws(CentrifugeDecodeError) -> CentrifugeHistory {
        var history = CentrifugeHistory(channel: "")
        try read(message) { field throws(CentrifugeDecodeError) in
            switch CentrifugeFields.History(rawValue: field.number) {
            case .channel: history.channel = ExactText(try field.text("channel"))
            case .limit: history.limit = try field.signed32("limit")
            case .since:
                var since = history.since ?? StreamPosition(offset: 0, epoch: "")
                try read(try field.bytes("since"), into: &since)
                history.since = since
            case .reverse: history.reverse = try field.number("reverse") != 0
            case nil: break
            }
        }
        return history
    }

    private static func read(
        _ message: ByteBuffer, into position: inout StreamPosition
    ) throws(CentrifugeDecodeError) {
        try read(message) { field throws(CentrifugeDecodeError) in
            switch CentrifugeFields.Position(rawValue: field.number) {
            case .offset: position.offset = try field.number("offset")
            case .epoch: position.epoch = StreamPosition.epoch(saidByClient: try field.text("epoch"))
            case nil: break
            }
        }
    }

    private static func subRefresh(_ message: ByteBuffer) throws(CentrifugeDecodeError) -> CentrifugeCommand.Method {
        var (channel, token) = (ExactText(""), "")
        try read(message) { field throws(CentrifugeDecodeError) in
            switch CentrifugeFields.SubRefresh(rawValue: field.number) {
            case .channel: channel = ExactText(try field.text("channel"))
            case .token: token = try field.text("token")
            case nil: break
            }
        }
        return .subRefresh(channel: channel, token: token)
    }

    /// Hands over the fields of a message.
    private static func read(
        _ message: ByteBuffer, limit: Int = maximumFields,
        _ take: (ProtobufReader.Field) throws(CentrifugeDecodeError) -> Void
    ) throws(CentrifugeDecodeError) {
        var (reader, count) = (ProtobufReader(message), 0)
        while true {
            let field: ProtobufReader.Field?
            do throws(ProtobufError) { field = try reader.next() } catch { throw .notAMessage }
            guard let field else { return }
            guard count < limit else { throw .tooManyFields(limit: limit) }
            count += 1
            try take(field)
        }
    }
}

/// A field's value, as its type has it.
extension ProtobufReader.Field {
    fileprivate func number(_ name: String) throws(CentrifugeDecodeError) -> UInt64 {
        guard case .varint(let number) = value else { throw .field(name) }
        return number
    }

    fileprivate func unsigned32(_ name: String) throws(CentrifugeDecodeError) -> UInt32 {
        guard let number = UInt32(exactly: try number(name)) else { throw .field(name) }
        return number
    }

    /// Negative numbers come with their sign in 64 bits.
    fileprivate func signed32(_ name: String) throws(CentrifugeDecodeError) -> Int {
        guard let number = Int32(exactly: Int64(bitPattern: try number(name))) else { throw .field(name) }
        return Int(number)
    }

    fileprivate func bytes(_ name: String) throws(CentrifugeDecodeError) -> ByteBuffer {
        guard case .bytes(let bytes) = value else { throw .field(name) }
        return bytes
    }

    fileprivate func text(_ name: String) throws(CentrifugeDecodeError) -> String {
        guard let text = value.text else { throw .field(name) }
        return text
    }
}
