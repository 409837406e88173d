import FanfareWire
import NIOCore

/// What a node says in a namespace of Socket.IO, as far as a client needs it that recovers. Its own eyes, none of the node's code.
enum SocketIOMessage {
    /// A channel, and where the client is in it.
    struct Place: Equatable {
        let channel: String
        let position: Judge.Position
    }

    /// The answer to an event.
    struct Answer {
        /// Of a subscription in a channel with history.
        let position: Judge.Position?
        /// Whether what came after the place that was asked for follows; `nil`: none was asked for.
        let isRecovered: Bool?
        /// What went wrong.
        let error: String?
    }

    /// The client has joined, as who it was or as somebody new.
    case joined(pid: String)
    /// An event: its arguments but for the offset, and the offset as it came.
    case event(name: String, [ByteBuffer], offset: String?)
    case answer(id: UInt32, Answer)
    /// The node sends the client away, or lets it not in.
    case left(String)
    case other

    /// - Parameter packet: in the namespace `/`, without attachments.
    init(_ packet: ByteBuffer) {
        var rest = packet
        let type = rest.readInteger(as: UInt8.self)
        switch type {
        case UInt8(ascii: "0"):
            let pid = JSONMembers(rest)?["pid"]?.string
            self = pid.map { .joined(pid: $0) } ?? .other
        case UInt8(ascii: "1"): self = .left("Socket.IO disconnect")
        case UInt8(ascii: "2"): self = Self.event(rest) ?? .other
        case UInt8(ascii: "3"): self = Self.answer(&rest) ?? .other
        case UInt8(ascii: "4"): self = .left("Socket.IO connect error")
        default: self = .other
        }
    }

    /// Where a client is: `42.k3vxq7ab/news,7/chat:1,/lobby`. An epoch is that of the place before where none stands there; a channel
    /// without a place keeps nothing.
    static func places(_ offset: String) -> [Place] {
        var epoch = ""
        return offset.split(separator: ",").compactMap { item in
            let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else { return nil }
            let place = parts[0].contains(".") ? String(parts[0]) : "\(parts[0]).\(epoch)"
            guard let position = Judge.Position(place) else { return nil }
            epoch = position.epoch
            return Place(channel: String(parts[1]), position: position)
        }
    }

    private static func event(_ array: ByteBuffer) -> SocketIOMessage? {
        guard let values = elements(array), let name = values.first?.string else { return nil }
        // In channels that recover the last of all is the offset.
        let offset = values.count > 1 ? values.last?.string : nil
        let arguments = values.dropFirst().dropLast(offset == nil ? 0 : 1)
        return .event(name: name, arguments.map(\.bytes), offset: offset)
    }

    private static func answer(_ rest: inout ByteBuffer) -> SocketIOMessage? {
        let digits = rest.readableBytesView.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let id = UInt32(String(decoding: digits, as: UTF8.self)) else { return nil }
        rest.moveReaderIndex(forwardBy: digits.count)
        guard let value = elements(rest)?.first, let fields = JSONMembers(value.bytes) else { return nil }
        let error = fields["error"].map { String(buffer: $0.bytes) }
        let position = fields["position"]?.string.flatMap { Judge.Position($0) }
        return .answer(id: id, Answer(position: position, isRecovered: fields["recovered"]?.bool, error: error))
    }

    private static func elements(_ array: ByteBuffer) -> [JSONMembers.Value]? {
        var text = ByteBuffer(string: "{\"a\":")
        text.writeImmutableBuffer(array)
        text.writeString("}")
        return JSONMembers(text)?["a"]?.elements
    }
}
