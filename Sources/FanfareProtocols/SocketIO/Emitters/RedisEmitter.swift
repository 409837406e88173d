import FanfareWire
import NIOCore

/// What `@socket.io/redis-emitter` and its kin publish: events as MessagePack on `socket.io#<namespace>#…`, requests as JSON on
/// `socket.io-request#<namespace>#`. There is no specification; what emitters of other languages do differently is taken, too.
public struct RedisEmitter: Sendable {
    /// The first part of all channels' names; `socket.io` where nobody wants another.
    let key: String

    public init(key: String) { self.key = key }

    /// What to listen to.
    public var patterns: [String] { ["\(Self.literal(key))#*", "\(Self.literal(key))-request#*"] }

    /// A text as part of a pattern of Redis.
    private static func literal(_ text: String) -> String {
        text.map { "*?[]\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }

    /// Whether a channel is one of events.
    public func isEvent(_ channel: String) -> Bool { Self.rest(of: channel, behind: "\(key)#") != nil }

    /// Reads what came on one of these channels; `nil`: it is none of them.
    public func read(_ channel: String, _ message: ByteBuffer) throws(EmitterError) -> EmitterMessage? {
        if let rest = Self.rest(of: channel, behind: "\(key)-request#") {
            return try Self.request(namespace: Self.parts(rest).namespace, message)
        }
        guard let rest = Self.rest(of: channel, behind: "\(key)#") else { return nil }
        return try Self.event(Self.parts(rest).room, message)
    }

    private static func rest(of channel: String, behind prefix: String) -> Substring.UTF8View? {
        channel.utf8.starts(with: prefix.utf8) ? channel.utf8.dropFirst(prefix.utf8.count) : nil
    }

    /// `/chat#` and `/chat#room#`; some emitters leave the last mark out. A room may have marks in its name, a namespace has none.
    private static func parts(_ rest: Substring.UTF8View) -> (namespace: ExactText, room: ExactText?) {
        let mark = UInt8(ascii: "#")
        guard let end = rest.firstIndex(of: mark) else { return (ExactText(Substring(rest)), nil) }
        let namespace = ExactText(Substring(rest[..<end]))
        var room = rest[rest.index(after: end)...]
        if room.last == mark { room = room.dropLast() }
        return (namespace, room.isEmpty ? nil : ExactText(Substring(room)))
    }
}

/// Events.
extension RedisEmitter {
    /// `[uid, packet, options]`; emitters of long ago leave the last out.
    private static func event(_ room: ExactText?, _ message: ByteBuffer) throws(EmitterError) -> EmitterMessage {
        var reader = MessagePackReader(message)
        guard case .array(let count) = try next(&reader), (2...3).contains(count) else {
            throw EmitterError("an event is an array of two or three")
        }
        try skip(&reader)
        var packet = try self.packet(&reader)
        if count == 3 { try options(&reader, &packet) }
        guard reader.isAtEnd else { throw EmitterError("bytes behind the message") }
        guard let name = packet.name, let arguments = packet.arguments else {
            throw EmitterError("a packet without an event")
        }
        var event = EmitterEvent(
            namespace: packet.namespace,
            payload: try EmitterPayload.make(event: name, arguments: arguments, attachments: packet.attachments),
            rooms: packet.rooms, except: packet.except)
        if let room, event.rooms.isEmpty {
            event.rooms = [room]
        } else if let room, event.rooms.count > 1, event.rooms.contains(room) {
            event.share = room
        }
        return .emit(event)
    }

    private struct Packet {
        var namespace: ExactText = "/"
        var name: ExactText?
        var arguments: ByteBuffer?
        var attachments: [ByteBuffer] = []
        var rooms: [ExactText] = []
        var except: [ExactText] = []
    }

    private static func packet(_ reader: inout MessagePackReader) throws(EmitterError) -> Packet {
        guard case .map(let count) = try next(&reader), count <= EmitterBounds.members else {
            throw EmitterError("a packet is a map")
        }
        var packet = Packet()
        for _ in 0..<count {
            switch try next(&reader).text {
            case "type":
                // An event with bytes has the same type as one without.
                switch try next(&reader) {
                case .unsigned(2), .unsigned(5): break
                default: throw EmitterError("a packet that is no event")
                }
            case "nsp":
                let value = try next(&reader)
                if value == .null { continue }
                guard let namespace = value.text else { throw EmitterError("a namespace is a text") }
                packet.namespace = namespace.isEmpty ? "/" : namespace
            case "data":
                guard case .array(let length) = try next(&reader), length > 0 else {
                    throw EmitterError("the data of an event is an array that begins with its name")
                }
                guard let name = try next(&reader).text else { throw EmitterError("an event's name is a text") }
                var values = MessagePackJSON()
                values.json.writeStaticString("[")
                for index in 1..<max(1, length) {
                    if index > 1 { values.json.writeStaticString(",") }
                    try values.write(&reader, depth: 1)
                }
                values.json.writeStaticString("]")
                (packet.name, packet.arguments, packet.attachments) = (name, values.json, values.attachments)
            case "id":
                // An acknowledgement would have to go to the server that asked.
                guard try next(&reader) == .null else { throw EmitterError("an event that wants an acknowledgement") }
            default: try skip(&reader)
            }
        }
        return packet
    }

    /// Nothing, an empty text and a missing list all say "none".
    private static func options(_ reader: inout MessagePackReader, _ packet: inout Packet) throws(EmitterError) {
        switch try next(&reader) {
        case .null: return
        case .string(let text) where text.readableBytes == 0: return
        case .map(let count) where count <= EmitterBounds.members:
            for _ in 0..<count {
                switch try next(&reader).text {
                case "rooms": packet.rooms = try texts(&reader)
                case "except": packet.except = try texts(&reader)
                // What is volatile here: all that the queue of a slow client has no room for.
                default: try skip(&reader)
                }
            }
        default: throw EmitterError("options are a map")
        }
        guard packet.rooms.count + packet.except.count <= EmitterBounds.rooms else {
            throw EmitterError("more than \(EmitterBounds.rooms) rooms")
        }
    }

    private static func texts(_ reader: inout MessagePackReader) throws(EmitterError) -> [ExactText] {
        switch try next(&reader) {
        case .null: return []
        case .string(let text): return text.readableBytes == 0 ? [] : [ExactText(String(buffer: text))]
        case .array(let count):
            guard count <= EmitterBounds.rooms else { throw EmitterError("more than \(EmitterBounds.rooms) rooms") }
            var texts: [ExactText] = []
            for _ in 0..<count {
                switch try next(&reader) {
                case .string(let text): texts.append(ExactText(String(buffer: text)))
                case .unsigned(let number): texts.append(ExactText("\(number)"))
                default: throw EmitterError("a room is a text")
                }
            }
            return texts
        default: throw EmitterError("rooms are a list")
        }
    }

    private static func next(_ reader: inout MessagePackReader) throws(EmitterError) -> MessagePackReader.Value {
        do { return try reader.next() } catch { throw EmitterError("\(error)") }
    }

    private static func skip(_ reader: inout MessagePackReader) throws(EmitterError) {
        do { try reader.skip() } catch { throw EmitterError("\(error)") }
    }
}

/// Requests.
extension RedisEmitter {
    /// `{"type":2,"opts":{"rooms":[],"except":[]},"rooms":[…]}`. Of all that servers ask each other so, a node takes what emitters ask.
    private static func request(namespace: ExactText, _ message: ByteBuffer) throws(EmitterError) -> EmitterMessage {
        // Broadcasts with acknowledgements, between servers, are MessagePack.
        guard message.readableBytesView.first == UInt8(ascii: "{") else { return .ignored }
        guard message.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }),
            let members = JSONMembers(message, limit: EmitterBounds.members)
        else { throw EmitterError("a request is an object of JSON") }
        guard let type = members["type"]?.unsigned else { throw EmitterError("a request without a type") }
        guard (2...4).contains(type) else { return .ignored }
        var (rooms, except): ([ExactText], [ExactText]) = ([], [])
        if let value = members["opts"], !value.isNull {
            guard let options = JSONMembers(value.bytes, limit: EmitterBounds.members) else {
                throw EmitterError("options are an object")
            }
            (rooms, except) = (try EmitterJSON.texts(options["rooms"]), try EmitterJSON.texts(options["except"]))
        }
        let action: EmitterRequest.Action =
            switch type {
            case 2: .join(try EmitterJSON.texts(members["rooms"]))
            case 3: .leave(try EmitterJSON.texts(members["rooms"]))
            default: .disconnect(close: members["close"]?.bool == true)
            }
        return .request(
            EmitterRequest(
                namespace: namespace.isEmpty ? "/" : namespace, action: action, rooms: rooms, except: except))
    }
}

/// What emitters write as JSON.
enum EmitterJSON {
    /// A text, a list of texts, or nothing.
    static func texts(_ value: JSONMembers.Value?) throws(EmitterError) -> [ExactText] {
        guard let value, !value.isNull else { return [] }
        if let text = value.text { return text.isEmpty ? [] : [text] }
        guard let elements = JSONElements(value.bytes, keeping: EmitterBounds.rooms) else {
            throw EmitterError("rooms are a list")
        }
        guard elements.count <= EmitterBounds.rooms else {
            throw EmitterError("more than \(EmitterBounds.rooms) rooms")
        }
        var texts: [ExactText] = []
        for element in elements.first {
            if let text = element.text {
                texts.append(text)
            } else if let number = element.unsigned64 {
                texts.append(ExactText("\(number)"))
            } else {
                throw EmitterError("a room is a text")
            }
        }
        return texts
    }
}
