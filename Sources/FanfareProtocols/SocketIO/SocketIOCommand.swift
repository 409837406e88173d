import FanfareCore
import FanfareWire
import NIOCore

/// What a client's packet asks for.
public struct SocketIOCommand: Sendable, Equatable {
    public enum Method: Sendable, Equatable {
        /// Join the namespace. Its object: who the client is, and where it was before.
        case connect(SocketIOConnect)
        /// Leave the namespace.
        case disconnect
        case subscribe(SocketIOSubscribe)
        case unsubscribe(room: ExactText)
        case publish(room: ExactText, data: Payload)
        case presence(room: ExactText)
        case presenceStats(room: ExactText)
        case history(SocketIOHistory)
        /// An event that this server has no handler for, or whose arguments it can't read.
        case refused(CentrifugeError)
        /// An answer that nobody waits for.
        case ack
        /// An event, for a node that echoes them.
        case echo(SocketIOEvent, attachments: [ByteBuffer])
    }

    let namespace: ExactText
    /// By which the client knows the answer; `nil`: it wants none.
    let ack: UInt64?
    let method: Method
}

/// The object of a CONNECT.
public struct SocketIOConnect: Sendable, Equatable {
    /// Who it is; the request of its handshake may say that, too.
    var token: String?
    /// The private id of the session that it had.
    var pid: String?
    /// Where it was, see ``SocketIOOffset``.
    var offset: String?

    /// All of it.
    let object: ByteBuffer?

    init(_ auth: ByteBuffer?) {
        object = auth
        guard let auth, let members = JSONMembers(auth, limit: SocketIOBounds.authMembers) else { return }
        token = members["token"]?.string
        pid = members["pid"]?.string
        offset = members["offset"]?.string
    }
}

/// The argument of `subscribe`: a room, or an object.
public struct SocketIOSubscribe: Sendable, Equatable {
    let room: ExactText
    /// For rooms that ask for one.
    var token: String?
    /// Where the client was in it.
    var since: StreamPosition?
}

/// The arguments of `history`.
public struct SocketIOHistory: Sendable, Equatable {
    let room: ExactText
    /// 0: only the stream's position; below: as many as there may be.
    var limit = -1
    var since: StreamPosition?
    var reverse = false
}

extension SocketIOCommand {
    /// - Parameter isEchoed: whether events are echoed.
    init(_ whole: SocketIOAssembler.Whole, isEchoed: Bool = false) {
        let packet = whole.packet
        (namespace, ack) = (packet.namespace, packet.id)
        switch packet.content {
        case .connect(let auth): method = .connect(SocketIOConnect(auth))
        case .disconnect: method = .disconnect
        case .ack: method = .ack
        case .event(let event) where isEchoed: method = .echo(event, attachments: whole.attachments)
        case .event(let event):
            do throws(CentrifugeError) {
                method = try Self.method(event, whole.attachments)
            } catch {
                method = .refused(error)
            }
        }
    }

    private static func method(_ event: SocketIOEvent, _ attachments: [ByteBuffer]) throws(CentrifugeError) -> Method {
        switch event.name {
        case "subscribe": .subscribe(try subscribe(event))
        case "unsubscribe": .unsubscribe(room: try room(event))
        case "publish": .publish(room: try room(event), data: try data(event, attachments))
        case "presence": .presence(room: try room(event))
        case "presence_stats": .presenceStats(room: try room(event))
        case "history": .history(try history(event))
        default: throw .notAvailable("this server has no handler for the event '\(named(event.name))'")
        }
    }

    /// Enough of a name to know it again.
    private static func named(_ name: ExactText?) -> String { name.map { String($0.string.prefix(64)) } ?? "a number" }

    private static func room(_ event: SocketIOEvent) throws(CentrifugeError) -> ExactText {
        guard let room = event.arguments.first?.text else { throw .badRequest("the first argument is a room's name") }
        return room
    }

    private static func subscribe(_ event: SocketIOEvent) throws(CentrifugeError) -> SocketIOSubscribe {
        if let room = event.arguments.first?.text { return SocketIOSubscribe(room: room) }
        guard let argument = event.arguments.first, let members = JSONMembers(argument.bytes),
            let room = members["room"]?.text
        else { throw .badRequest("the argument is a room's name, or an object with 'room'") }
        return SocketIOSubscribe(room: room, token: members["token"]?.string, since: try since(members))
    }

    private static func history(_ event: SocketIOEvent) throws(CentrifugeError) -> SocketIOHistory {
        var history = SocketIOHistory(room: try room(event))
        guard event.arguments.count > 1, !event.arguments[1].isNull else { return history }
        guard let members = JSONMembers(event.arguments[1].bytes) else {
            throw .badRequest("the second argument is an object")
        }
        if let limit = members["limit"] {
            guard let number = limit.unsigned else { throw .badRequest("'limit' is a whole number") }
            history.limit = Int(number)
        }
        if let reverse = members["reverse"] {
            guard let value = reverse.bool else { throw .badRequest("'reverse' is true or false") }
            history.reverse = value
        }
        history.since = try since(members)
        return history
    }

    private static func since(_ members: JSONMembers) throws(CentrifugeError) -> StreamPosition? {
        guard let value = members["since"], !value.isNull else { return nil }
        guard let position = value.string.flatMap({ StreamPosition($0) }) else {
            throw .badRequest("'since' is \(StreamPosition.form)")
        }
        return position
    }

    /// Any JSON, or bytes; not JSON with bytes in it.
    private static func data(_ event: SocketIOEvent, _ attachments: [ByteBuffer]) throws(CentrifugeError) -> Payload {
        guard event.arguments.count > 1 else { throw .badRequest("the second argument is what is published") }
        let value = event.arguments[1]
        guard !attachments.isEmpty else { return Payload(kind: .text, bytes: value.bytes) }
        if let number = SocketIOPlaceholder.number(value), number < attachments.count {
            return Payload(kind: .binary, bytes: attachments[number])
        }
        guard !SocketIOPlaceholder.isIn(value) else {
            throw .badRequest("bytes are published as the whole second argument, not within it")
        }
        return Payload(kind: .text, bytes: value.bytes)
    }
}

/// What commands cost.
extension SocketIOCommand {
    /// The rate to which a command is held, besides that of all commands.
    var rate: ClientRate? {
        switch method {
        case .publish: .publications
        case .connect, .subscribe: .subscriptions
        case .history, .presence, .presenceStats: .reads
        case .disconnect, .unsubscribe, .refused, .ack, .echo: nil
        }
    }

    /// Units of a ``Turn``.
    ///
    /// - Parameter withToken: whether the client's handshake brought a token.
    func weight(withToken: Bool) -> Int {
        switch method {
        case .connect(let connect):
            (withToken || connect.token?.isEmpty == false ? Turn.token : 1) + (connect.offset?.utf8.count ?? 0) / 64
        case .subscribe(let request): request.token?.isEmpty == false ? Turn.token : 2
        default: 1
        }
    }

    /// Whether its answer may be read from the broker and be big.
    var isRead: Bool {
        switch method {
        case .history, .presence, .presenceStats, .subscribe, .connect: true
        default: false
        }
    }

    var isPublish: Bool { if case .publish = method { true } else { false } }
    var isConnect: Bool { if case .connect = method { true } else { false } }
}
