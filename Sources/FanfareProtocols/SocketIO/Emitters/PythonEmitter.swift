import FanfareWire
import NIOCore

/// What `python-socketio` 5.14 and newer publishes: JSON on one channel, `socketio`, and `flask-socketio` of Flask-SocketIO. Older ones
/// publish pickles, which are programs: nobody reads them here.
public struct PythonEmitter: Sendable {
    /// What to listen to.
    public let channels: [String]

    public init(channels: [String]) { self.channels = channels }

    /// Reads what came on one of these channels; `nil`: it is none of them.
    public func read(_ channel: String, _ message: ByteBuffer) throws(EmitterError) -> EmitterMessage? {
        guard channels.contains(where: { $0.utf8.elementsEqual(channel.utf8) }) else { return nil }
        guard message.readableBytesView.first != 0x80 else {
            throw EmitterError("a pickle, which is never read: python-socketio 5.14 and newer publishes JSON")
        }
        guard message.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }),
            let members = JSONMembers(message, limit: EmitterBounds.members)
        else { throw EmitterError("a message is an object of JSON") }
        guard let method = members["method"]?.text else { throw EmitterError("a message without a method") }
        let namespace = try namespace(members)
        switch method {
        case "emit": return .emit(try event(members, namespace))
        case "enter_room", "leave_room":
            let rooms = try EmitterJSON.texts(members["room"])
            let action: EmitterRequest.Action = method == "enter_room" ? .join(rooms) : .leave(rooms)
            return .request(
                EmitterRequest(namespace: namespace, action: action, rooms: [try sid(members)], except: []))
        case "disconnect":
            return .request(
                EmitterRequest(
                    namespace: namespace, action: .disconnect(close: false), rooms: [try sid(members)], except: []))
        case "close_room":
            let rooms = try EmitterJSON.texts(members["room"])
            guard !rooms.isEmpty else { throw EmitterError("close_room without a room") }
            return .request(EmitterRequest(namespace: namespace, action: .leave(rooms), rooms: rooms, except: []))
        // An acknowledgement that one of its servers waits for.
        case "callback": return .ignored
        default: throw EmitterError("the method '\(method.string.prefix(64))' is not known")
        }
    }

    private func namespace(_ members: JSONMembers) throws(EmitterError) -> ExactText {
        guard let value = members["namespace"], !value.isNull else { return "/" }
        guard let text = value.text else { throw EmitterError("a namespace is a text") }
        return text.isEmpty ? "/" : text
    }

    private func sid(_ members: JSONMembers) throws(EmitterError) -> ExactText {
        guard let sid = members["sid"]?.text, !sid.isEmpty else { throw EmitterError("a message without a socket") }
        return sid
    }

    /// What wants an acknowledgement (`callback`) is an event like others: the server that asked gets none from here.
    private func event(_ members: JSONMembers, _ namespace: ExactText) throws(EmitterError) -> EmitterEvent {
        guard let name = members["event"]?.text else { throw EmitterError("an event's name is a text") }
        let (arguments, attachments) = try data(members)
        guard !JSONDepth.isExceeded(by: arguments) else {
            throw EmitterError("nested deeper than \(EmitterBounds.depth) arrays and objects")
        }
        let event = EmitterEvent(
            namespace: namespace,
            payload: try EmitterPayload.make(event: name, arguments: arguments, base64: attachments),
            rooms: try EmitterJSON.texts(members["room"]), except: try EmitterJSON.texts(members["skip_sid"]))
        guard event.rooms.count + event.except.count <= EmitterBounds.rooms else {
            throw EmitterError("more than \(EmitterBounds.rooms) rooms")
        }
        return event
    }

    /// The arguments as an array, and attachments as Base64. Since there is `binary`, `data` is a list of arguments, or one of their tree
    /// and its attachments; before, it was a single argument, which may be a list.
    private func data(
        _ members: JSONMembers
    ) throws(EmitterError) -> (arguments: ByteBuffer, attachments: [ExactText]) {
        let data = members["data"]?.bytes ?? ByteBuffer(string: "null")
        guard let binary = members["binary"], let list = JSONElements(data, keeping: 1 + EmitterBounds.attachments)
        else { return (Self.array(data), []) }
        guard binary.bool == true else { return (data, []) }
        guard let tree = list.first.first, list.count <= 1 + EmitterBounds.attachments else {
            throw EmitterError("more than \(EmitterBounds.attachments) attachments, or none")
        }
        var attachments: [ExactText] = []
        for value in list.first.dropFirst() {
            guard let text = value.text else { throw EmitterError("an attachment that is no Base64") }
            attachments.append(text)
        }
        let isList = JSONElements(tree.bytes, keeping: 0) != nil
        return (isList ? tree.bytes : Self.array(tree.bytes), attachments)
    }

    private static func array(_ value: ByteBuffer) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStaticString("[")
        buffer.writeImmutableBuffer(value)
        buffer.writeStaticString("]")
        return buffer
    }
}
